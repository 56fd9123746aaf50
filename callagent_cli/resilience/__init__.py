"""How a request survives. Knows nothing of calls, contacts or vendors."""
