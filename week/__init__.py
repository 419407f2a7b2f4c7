"""A week of a hub that nobody attends: real processes, a played market, outages; `make week`."""
