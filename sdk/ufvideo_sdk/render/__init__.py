"""Pictures and videos of answers."""
