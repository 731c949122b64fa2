"""Scores in two columns: as the released scripts compute them, and corrected."""
