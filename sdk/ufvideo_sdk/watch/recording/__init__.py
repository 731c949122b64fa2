"""What is kept of a watched camera, so that it can be replayed."""
