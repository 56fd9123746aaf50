"""What is true, on disk. The only SQL."""
