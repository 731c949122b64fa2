"""A clip, its questions and their answers."""
