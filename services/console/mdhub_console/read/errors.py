"""What the API says no to when it is asked for something.

MdhubError
├── UnknownSource       nobody speaks of a source of this name
├── UnknownInstrument   no source has delivered this contract of late
└── NothingKnown        neither monitor nor arbiter has said anything yet
"""

from mdhub.wire.errors import MdhubError

__all__ = ["NothingKnown", "UnknownInstrument", "UnknownSource"]


class UnknownSource(MdhubError):
    """Nobody speaks of a source of this name."""


class UnknownInstrument(MdhubError):
    """No source has delivered this contract in what was looked at."""


class NothingKnown(MdhubError):
    """Nobody has said anything yet that would answer this."""
