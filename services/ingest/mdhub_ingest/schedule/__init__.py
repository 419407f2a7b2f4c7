"""The trading-day schedule: which source is to run when, and what happens around a session."""
