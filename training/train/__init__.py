"""Training of nano, stage by stage, from nothing to a checkpoint in the released format."""
