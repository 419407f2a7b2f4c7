"""The `mdhub` command."""
