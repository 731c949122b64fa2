"""Frames that the ranges of an encoder's activations are measured on."""
