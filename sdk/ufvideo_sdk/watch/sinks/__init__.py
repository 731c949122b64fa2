"""Where events go: files, and whoever is told of them."""
