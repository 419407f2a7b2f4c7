"""When Python looks for garbage, in services on the tick path.

Memory is freed by counting references; the collector only finds objects that refer to each other
in a circle, and looks through everything alive for it. Ticks make no circles (errors do, now and
then), so in these services it does not run by itself: it cost the arbiter a third of its time and
gave pauses of milliseconds with 25,000 contracts.
"""

from __future__ import annotations

import gc
import time
from typing import Final

__all__ = ["Garbage"]

EVERY_S: Final = 60.0


class Garbage:
    """Collects when the service has nothing else to do, at most once a minute."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()
        self._next_s = time.monotonic() + EVERY_S

    def idle(self) -> None:
        """Tell that there is nothing to do now."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            gc.collect()
            # What is alive now is not looked through again.
            gc.freeze()
