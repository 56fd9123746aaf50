"""What callagent costs, measured against the plain way of doing the same."""
