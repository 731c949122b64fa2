"""Engines that TensorRT builds ahead of time, and their cache."""
