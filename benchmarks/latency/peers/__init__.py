"""The language model beside other engines.

Run as `python -m benchmarks.latency.peers`; see `__main__`.
"""
