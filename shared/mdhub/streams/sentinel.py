"""Addresses of a server that Sentinels watch, and how its master is found. Opens nothing itself.

    redis+sentinel://[user:password@]host1[:26379],host2,host3/name[/db][?option=value&...]

The form that kombu, limits and redis-sentinel-url use. User and password are those of the
servers; what the Sentinels want is given as `sentinel_username` and `sentinel_password`. With
`rediss+sentinel` both are spoken to by TLS. Other options are those of a plain address.

Every new connection asks anew. The Sentinel that has seen the newest failover (highest
configuration epoch) is believed, so that one that was asleep or cut off leads nobody back to a
master of the past; a majority that agrees ends the asking.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mdhub.streams.errors import NotReady, StreamsError, UnknownOutcome, Unusable
from mdhub.streams.states import STATES

__all__ = ["STALL_S", "Sentinels", "check_master", "find_master", "is_sentinel", "parse_sentinels"]

STALL_S: Final = 0.5
"""A server that stays silent for longer is left: the Sentinels may have another master by then."""
ASK_S: Final = 0.2
"""Patience with one Sentinel."""
SCHEMES: Final = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
_PORT: Final = 26_379


class Asked(Protocol):
    """A connection to a Sentinel or server."""

    def call(self, *args: Any) -> Any: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sentinels:
    """What an address says. Never shown: it holds passwords."""

    scheme: str
    login: str
    """As in the address: `user:password`, or empty."""
    places: tuple[tuple[str, int], ...]
    name: str
    rest: str
    """Database and options of the server's own address."""
    sentinel_login: str

    @property
    def shown(self) -> str:
        """For messages."""
        places = ",".join(_place(*place) for place in self.places)
        return f"{self.name} (Sentinels {places})"

    def master_url(self, host: str, port: int) -> str:
        """Plain address of a server."""
        return _url(self.scheme, self.login, _place(host, port)) + self.rest

    def sentinel_url(self, place: tuple[str, int]) -> str:
        """Plain address of a Sentinel."""
        return _url(self.scheme, self.sentinel_login, _place(*place))


def is_sentinel(url: str) -> bool:
    """Whether an address names Sentinels rather than a server."""
    return url.partition("://")[0] in SCHEMES


def parse_sentinels(url: str) -> Sentinels:
    """Take an address apart. Raises Unusable, without a word of it, if it is not understood."""
    try:
        parts = urlsplit(url)
        login, _, hosts = parts.netloc.rpartition("@")
        places = tuple(_split_place(each) for each in hosts.split(","))
        name, _, database = parts.path.removeprefix("/").partition("/")
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        scheme = SCHEMES[parts.scheme]
    except (ValueError, KeyError):
        raise _not_understood() from None
    if not name or not all(host for host, _ in places) or "/" in database:
        raise _not_understood()
    user = options.pop("sentinel_username", "")
    password = options.pop("sentinel_password", "")
    own = f"{quote(user, safe='')}:{quote(password, safe='')}" if password else ""
    rest = f"/{database or 0}" + (f"?{urlencode(options)}" if options else "")
    return Sentinels(scheme, login, places, name, rest, own)


def find_master(sentinels: Sentinels, dial: Callable[[str], Asked]) -> str:
    """Ask for the master's plain address; `dial` connects to a plain address.

    Raises UnknownOutcome if no Sentinel answers, Unusable if they know no such master.
    """
    told: list[tuple[int, str, int]] = []
    failures: list[StreamsError] = []
    places = random.sample(sentinels.places, len(sentinels.places))
    for place in places:
        try:
            told.append(_ask(dial(sentinels.sentinel_url(place)), sentinels.name))
        except StreamsError as error:
            failures.append(error)
        if told.count(max(told, default=(0, "", 0))) > len(places) // 2:
            break
    if not told:
        raise _nobody(sentinels, failures)
    _, host, port = max(told)
    return sentinels.master_url(host, port)


def check_master(link: Asked, where: str) -> None:
    """Raise NotReady unless the server says itself that it is a master."""
    role = bytes(link.call("ROLE")[0]).decode()
    if role != "master":
        raise NotReady("demoted", f"server {where} was named as master and says it is a {role}")


def _ask(link: Asked, name: str) -> tuple[int, str, int]:
    """Configuration epoch, host and port; during a failover the new master is told early."""
    try:
        place = link.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
        if not place:
            raise _unmonitored(name)
        flat = link.call("SENTINEL", "MASTER", name)
    finally:
        link.close()
    facts = dict(zip(flat[::2], flat[1::2], strict=True))
    return int(facts.get(b"config-epoch", 0)), bytes(place[0]).decode(), int(place[1])


def _nobody(sentinels: Sentinels, failures: Sequence[StreamsError]) -> StreamsError:
    """One that cannot heal is the reason only if all of them say so."""
    if all(isinstance(error, Unusable) for error in failures):
        return failures[0]
    reasons = "; ".join(str(error) for error in failures if not isinstance(error, Unusable))
    return UnknownOutcome(f"no Sentinel names {sentinels.shown}: {reasons}", state="unnamed")


def _unmonitored(name: str) -> Unusable:
    row = STATES["unmonitored"]
    return Unusable(row.name, f"{row.meaning}: {name!r}; {row.way_out}")


def _not_understood() -> Unusable:
    row = STATES["address"]
    return Unusable(row.name, f"{row.meaning}: {row.way_out}")


def _split_place(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or _PORT


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _url(scheme: str, login: str, place: str) -> str:
    return f"{scheme}://{login}@{place}" if login else f"{scheme}://{place}"
