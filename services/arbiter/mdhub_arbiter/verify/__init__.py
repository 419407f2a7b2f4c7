"""Proof that clean is f(raw): the decisions of a live log recomputed and compared."""
