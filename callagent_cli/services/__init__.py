"""The outside world, one vendor a module. Implements domain.ports; raises only domain.errors."""
