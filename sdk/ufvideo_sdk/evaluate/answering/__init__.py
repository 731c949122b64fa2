"""Records put to a model, and its answers in a file that survives a stop."""
