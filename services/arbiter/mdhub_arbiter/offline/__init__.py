"""The rule book without a hub: recordings in, one verdict per row out (`mdhub arbitrate`)."""
