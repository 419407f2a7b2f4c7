"""What the hub says now: tailed, held within bounds, streamed to browsers."""
