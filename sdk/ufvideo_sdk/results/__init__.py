"""Plain data that a question returns; no drawing."""
