"""What is told: the log, the alerts."""
