"""Refuses arguments and JSON that are not as declared."""
