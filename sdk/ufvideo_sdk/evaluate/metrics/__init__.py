"""Metrics of masks, spans and words, and the intervals around their means."""
