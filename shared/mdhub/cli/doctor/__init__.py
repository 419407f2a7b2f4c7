"""`mdhub doctor`: whether this machine, with this configuration, is fit to run the hub.

Each check gathers facts (a thin shell) and hands them to judges (pure functions of facts).
"""
