"""Accounts of the store as sources of a running supervisor (docs/accounts-live.md)."""
