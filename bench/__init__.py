"""Benchmarks: `make bench`. Ratios count; machines are noisy."""
