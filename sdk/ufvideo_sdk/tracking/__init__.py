"""Objects carried from frame to frame by SAM 2's memory, in files and in streams alike."""
