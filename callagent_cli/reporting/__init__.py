"""What became of a campaign, for people, programs and spreadsheets. Reads only."""
