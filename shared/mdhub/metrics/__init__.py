"""What can be measured: every metric with its labels, and where its samples come from. No I/O."""
