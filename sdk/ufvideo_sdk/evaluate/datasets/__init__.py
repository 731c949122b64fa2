"""Readers of data sets in the layouts of their publishers, and of the released code's records."""
