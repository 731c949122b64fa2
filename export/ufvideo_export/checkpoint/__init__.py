"""Trained checkpoints as they are released; the only folder that knows upstream names."""
