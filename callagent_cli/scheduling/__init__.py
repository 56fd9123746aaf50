"""Starting a campaign at set times: by cron or by a systemd timer."""
