"""A kit for a GPU that is rented by the minute and has no network.

`make gpu-kit OUT=DIR` packs it on a machine with a network (`pack`); `DIR/run` checks, builds and
measures on the machine with the GPU (`measure`). docs/gpu.md tells how.
"""
