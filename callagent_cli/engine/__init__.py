"""The engine that hands out a fleet's work: Procrastinate, on the ledger's own server."""
