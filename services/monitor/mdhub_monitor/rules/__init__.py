"""Pure rules: facts of now and before -> problems. No clock, no I/O."""
