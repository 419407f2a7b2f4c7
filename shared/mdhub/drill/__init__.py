"""Faults put into a whole hub of real processes, and the checker that judges what came through."""
