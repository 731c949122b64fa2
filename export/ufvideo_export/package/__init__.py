"""How a package comes to be on disk."""
