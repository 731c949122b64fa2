"""What a camera gives: frames on a grid of stream time, what is missing, and its packets."""
