"""Errors in the life of a process."""

from mdhub.wire.errors import MdhubError

__all__ = ["ServiceError"]


class ServiceError(MdhubError):
    """A process could not be started, or must stop; the message says what to do."""
