"""Work in a process of its own, and the memory it leaves."""
