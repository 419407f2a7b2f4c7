"""Where a request comes from and whom it was meant for. Pure.

What a header says of the sender (X-Forwarded-*) counts only if a trusted proxy wrote it; the name
in Host must be one of ours, so that no other site's name can be pointed at this console.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

__all__ = ["Doors", "is_loopback", "is_own_origin"]

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
UNSPOKEN: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True)
class Doors:
    """Proxies that are believed, and names the console is reached by."""

    trusted_proxies: Sequence[str] = ()
    allowed_hosts: Sequence[str] = ()

    @cached_property
    def _networks(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(each, strict=False) for each in self.trusted_proxies]

    @cached_property
    def _names(self) -> frozenset[str]:
        return LOOPBACK_NAMES | {each.lower() for each in self.allowed_hosts}

    def sender(self, peer: str, forwarded_for: str) -> str:
        """Return the address a request came from: the last one that no trusted proxy has."""
        chain = [each.strip() for each in forwarded_for.split(",") if each.strip()]
        sender = peer
        while chain and self._is_trusted(sender):
            sender = chain.pop()
        return sender if _address(sender) else peer

    def scheme(self, peer: str, scheme: str, forwarded_proto: str) -> str:
        """Return how the browser reached us: http or https."""
        if forwarded_proto in {"http", "https"} and self._is_trusted(peer):
            return forwarded_proto
        return scheme

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this console. An address is no name: it cannot be rebound."""
        name = _hostname(host)
        return name in self._names or _address(name) is not None

    def _is_trusted(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)


def is_own_origin(headers: Mapping[str, str], *, scheme: str) -> bool | None:
    """Whether a browser says that one of our own pages sent this; None = it says nothing."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() == f"{scheme}://{headers.get('host', '').lower()}"
    site = headers.get("sec-fetch-site")
    return None if site is None else site in UNSPOKEN


def is_loopback(address: str) -> bool:
    """Whether an address is of this machine."""
    found = _address(address)
    return found is not None and found.is_loopback


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
