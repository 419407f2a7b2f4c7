"""How the hub is: what the monitor finds out, in one report that everybody shows."""
