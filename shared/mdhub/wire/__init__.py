"""The wire contract: every byte that crosses a process boundary. Imports msgspec only."""
