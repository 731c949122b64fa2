"""How right the events of a watched stream are; run as `python -m training.evaluate.watch`."""
