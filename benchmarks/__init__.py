"""Measurements of the SDK: `python -m benchmarks.latency.pipeline`."""

# First: importing it turns ONNX Runtime's telemetry off, which other engines open, too.
import ufvideo_sdk  # noqa: F401
