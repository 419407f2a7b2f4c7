"""End-to-end chains of real processes: the hub, its bare floor, and peers."""
