"""The demonstration: a clip that ships with the SDK, questions about it, and the truth."""
