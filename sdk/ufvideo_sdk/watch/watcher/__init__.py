"""Watches cameras: frames in, questions to the model, facts and events out."""
