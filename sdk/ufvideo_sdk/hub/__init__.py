"""Repositories on the Hugging Face Hub: their names, their files, and the cache they come into."""
