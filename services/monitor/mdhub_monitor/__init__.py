"""The monitor: watches raw and the services' heartbeats, writes what it sees into events."""
