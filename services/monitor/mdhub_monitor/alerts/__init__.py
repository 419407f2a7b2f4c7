"""Alerts: which findings people are told of, when, and how it reaches them."""
