"""Accounts: which broker accounts the hub may use, kept in a database, their secrets sealed."""
