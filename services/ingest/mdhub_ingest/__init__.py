"""Ingest: one OS process per source, kept running; ticks go to the raw log."""
