"""What the operator types and sees."""
