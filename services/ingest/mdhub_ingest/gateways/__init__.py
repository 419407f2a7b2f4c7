"""Real brokers: vnpy gateways, each in a child process of ingest."""
