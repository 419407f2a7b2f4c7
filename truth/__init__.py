"""The proof of the arbiter's rules: labelled anomalies, a scorer, a report (`make truth`).

Nothing here imports the arbiter: it is called as a command, like anybody would.
"""
