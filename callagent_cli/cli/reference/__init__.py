"""What `callagent help TOPIC`, the man page and docs/reference/ say: made from the code itself."""
