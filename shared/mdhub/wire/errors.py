"""Errors of mdhub, one root.

MdhubError
├── WireError               bytes or names that do not fit the contract
├── ConfigError             the configuration (mdhub.config); it ends the command with code 2
├── StreamsError            the log (mdhub.streams.errors draws the rest)
├── OutsideCalendar         a date the trading calendar does not cover (mdhub.calendar)
├── BadCalendar             a wrong calendar file (mdhub.calendar); ends the command with code 2
├── MarketError             synthetic market and recordings (mdhub.market)
├── ServiceError            life of a process (mdhub.runtime)
├── AccountsError           the account store (mdhub.accounts.errors draws the rest)
└── HubError                the SDK (mdhub.sdk.errors draws the rest)
"""

__all__ = ["MdhubError", "WireError"]


class MdhubError(Exception):
    """Root of every error mdhub raises on purpose."""

    exit_code = 1
    """What a command that it ends returns."""

    @property
    def sentence(self) -> str:
        """What was found, and where it is known what it means and what to do."""
        return str(self)


class WireError(MdhubError):
    """A message or a name that does not fit the wire contract."""
