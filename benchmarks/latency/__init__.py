"""How long it takes, stage by stage and whole."""
