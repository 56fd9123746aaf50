"""Plain modules that several test folders share."""
