"""From words to token ids and back."""
