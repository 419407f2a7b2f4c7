"""The rows of the drill, by what is broken."""
