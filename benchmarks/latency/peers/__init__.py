"""The language model beside other engines, and what a session promises about time and memory.

Run as `python -m benchmarks.latency.peers`; see `__main__`.
"""
