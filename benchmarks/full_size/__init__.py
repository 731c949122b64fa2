"""The released model's size, with random weights: its export, its memory, its errors."""
