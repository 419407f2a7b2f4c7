"""A whole hub on one host: its server and its services as child processes."""
