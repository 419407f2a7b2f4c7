"""Tools that break things: disk, clock, network. They know nothing of the hub."""
