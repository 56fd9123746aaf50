"""A world that speaks the vendors' HTTP and fails on cue. No network, virtual time."""
