"""Publisher: the clean log, live over ZeroMQ."""
