"""Life of a process: children, heartbeats, clocks, back-off, log lines."""
