"""Market time as the log tells it: live it is this host's clock, else what arbiters commit."""

from __future__ import annotations

from typing import Final

__all__ = ["MarketView"]

LIVE_WITHIN_NS: Final = 1_000_000
FASTEST: Final = 7_200.0
"""Market seconds per second: twice what a source may play. More is a jump."""


class MarketView:
    """Fed with positions of the log, asked for now. Pure: all times are given."""

    def __init__(self) -> None:
        self.live = False
        self.rate = 1.0
        """Market seconds per second, between the last two readings."""
        self.jumps = 0
        """How often market time was set anew."""
        self._log_ns = 0
        self._market_ns = 0

    @property
    def known(self) -> bool:
        """Whether anybody has told the time yet."""
        return self._log_ns != 0

    def feed(self, log_ns: int, market_ns: int) -> None:
        """Take a committed position: log time and the market time that belongs to it."""
        if not log_ns or (log_ns, market_ns) == (self._log_ns, self._market_ns):
            return
        live = abs(market_ns - log_ns) < LIVE_WITHIN_NS
        if not self._log_ns or live != self.live:
            self.jumps += 1
        elif not live and log_ns > self._log_ns:
            rate = (market_ns - self._market_ns) / (log_ns - self._log_ns)
            if 0 < rate <= FASTEST:
                self.rate = rate
            else:
                self.jumps += 1
        if live:
            self.rate = 1.0
        self.live, self._log_ns, self._market_ns = live, log_ns, market_ns

    def now_ns(self, wall_ns: int) -> int | None:
        """Market time; None = nobody has told it yet.

        A market that is not live stands still while the log does.
        """
        if not self._log_ns:
            return None
        return wall_ns if self.live else self._market_ns
