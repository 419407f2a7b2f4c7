"""`mdhub health`: the monitor's report as a table, JSON, one line, and an exit code."""
