"""What would spoil a real campaign, looked for before its first call. Reads only; never dials."""
