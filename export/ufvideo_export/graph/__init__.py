"""How a graph is traced, written, quantised and opened."""
