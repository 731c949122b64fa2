"""What a streaming session and its tracks cost; run as `python -m benchmarks.latency.stream`."""
