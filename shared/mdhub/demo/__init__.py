"""The demo, and the checker that judges it."""
