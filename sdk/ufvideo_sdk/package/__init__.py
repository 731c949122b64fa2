"""A package on disk: its manifest, its tokenizer's file, the one that ships."""
