"""The model in PyTorch, as the graphs are traced from it and checked against it."""
