"""Streams of minutes whose truth is known: a street of shapes, as H.264 files."""

from training.streams.stream_truth import StreamTruth, TruthMove, TruthTrack
from training.streams.street import Street, make_street
from training.streams.write_stream import drawn_parts, truth_of, write_stream

__all__ = [
    "StreamTruth",
    "Street",
    "TruthMove",
    "TruthTrack",
    "drawn_parts",
    "make_street",
    "truth_of",
    "write_stream",
]
