"""Recordings: packets as they came, and all facts, so that a stream can be watched once more."""
