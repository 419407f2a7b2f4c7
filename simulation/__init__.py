"""A whole hub in one thread: real decisions; simulated sockets, processes, disks and time.

`make simulate` runs it over many seeds; docs/simulation.md says what it does and does not show.
"""
