"""Output into a pipe whose reader may leave: `mdhub tail | head -3`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["reader_may_leave"]


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End the block quietly when nobody reads what it prints."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The rest in the buffer has no reader either; at exit it would become an error message.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
