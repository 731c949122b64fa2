"""UFVideo at the edge: ask a video, get text, times and masks."""
