"""The log: streams, functions, positions, leadership. The only importer of redis."""

from mdhub.streams.open import open_log

__all__ = ["open_log"]
