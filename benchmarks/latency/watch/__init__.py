"""What watching cameras costs; run as `python -m benchmarks.latency.watch`."""
