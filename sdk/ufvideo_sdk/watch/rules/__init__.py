"""The file of rules: what is asked when, and what makes an event."""
