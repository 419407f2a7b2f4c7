"""Orders to the hub: commands, each followed to its one result."""
