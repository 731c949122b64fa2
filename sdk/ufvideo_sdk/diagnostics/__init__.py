"""What this machine has, and what a package needs of it."""
