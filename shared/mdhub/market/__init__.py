"""What markets make: products, a synthetic market, recordings. Pure; no hub in it."""
