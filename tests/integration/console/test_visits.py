"""An event stream ends with the session or the token that opened it, whoever ended that."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.errors import StoreAway
from mdhub_console.identity.model import Role, User
from mdhub_console.identity.service import ABSOLUTE_S, IDLE_S, Identity
from tests.support.clocks import Hands
from tests.support.console import client_of, make_identity, make_parts
from tests.support.console_server import Reader, Served, served
from tests.support.wait import until

pytestmark = pytest.mark.timeout(60)


class Seen:
    """A console that serves, its identity and its clock."""

    def __init__(self, console: Served, hands: Hands) -> None:
        self.console = console
        self.hands = hands
        self.identity: Identity = console.parts.identity
        self.viewer = user_of(self.identity, Role.VIEWER)

    def open(self, header: str) -> Reader:
        """A stream that has begun."""
        wire = socket.create_connection(("127.0.0.1", self.console.port), timeout=20)
        asked = "GET /events?topics=status HTTP/1.1"
        lines = (asked, "Host: 127.0.0.1", "Connection: close", header)
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        reader = Reader(wire)
        assert reader.status() == 200
        reader.next("status")
        return reader

    def opened_by(self, secret: str) -> Reader:
        return self.open(f"Cookie: {PLAIN}={secret}")

    def tabs(self) -> int:
        return self.console.parts.live.streams.tabs


@pytest.fixture
def seen() -> Iterator[Seen]:
    hands = Hands()
    parts = make_parts(identity=make_identity(clock=hands.clock()))
    with served(parts) as console:
        yield Seen(console, hands)


def user_of(identity: Identity, role: Role) -> User:
    member = identity.people.named(role.word)
    assert member is not None
    return member.user


def has_ended(reader: Reader) -> None:
    with pytest.raises((EOFError, ConnectionError)):
        reader.next("nothing that is ever sent")
    reader.close()


ENDS: dict[str, Callable[[Seen, str], object]] = {
    "logout": lambda seen, secret: seen.identity.close_session(secret),
    "an admin": lambda seen, _: seen.identity.people.close_sessions(seen.viewer.id),
    "another role": lambda seen, _: seen.identity.people.change(
        seen.viewer.id, ends_sessions=True, role=Role.OPERATOR
    ),
    "disabled": lambda seen, _: seen.identity.people.change(seen.viewer.id, is_enabled=False),
    "deleted": lambda seen, _: seen.identity.people.remove(seen.viewer.id),
    "a new password": lambda seen, _: seen.identity.change_password(
        seen.viewer.id, "a quite long phrase 8"
    ),
    "idle": lambda seen, _: seen.hands.turn(IDLE_S + 1),
    "too old": lambda seen, _: seen.hands.turn(ABSOLUTE_S + 1),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_stream_ends_with_its_session(seen: Seen, end: Callable[[Seen, str], object]) -> None:
    """The one whose session ended; a stream of somebody else goes on."""
    secret = seen.identity.open_session(seen.viewer)
    reader = seen.opened_by(secret)
    end(seen, secret)
    has_ended(reader)
    other = seen.opened_by(seen.identity.open_session(user_of(seen.identity, Role.ADMIN)))
    until(lambda: seen.tabs() == 1, "the other one's tab alone")
    other.close()


def test_a_stream_ends_with_its_token(seen: Seen) -> None:
    """Revoked, or past its end."""
    first, text = seen.identity.new_token(seen.viewer, name="a", scope="read", days=1)
    _, later = seen.identity.new_token(seen.viewer, name="b", scope="read", days=2)
    readers = [seen.open(f"Authorization: Bearer {each}") for each in (text, later)]
    seen.identity.people.remove_token(first.id)
    has_ended(readers[0])
    assert seen.tabs() == 1
    seen.hands.turn(2 * 86_400 + 1)
    has_ended(readers[1])


def test_the_database_away_ends_no_stream(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is in keeps seeing the market; once it answers again what has ended ends."""
    secret = seen.identity.open_session(seen.viewer)
    reader = seen.opened_by(secret)
    asked: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(seen.identity.people, "sessions_in", away(asked))
        seen.identity.close_session(secret)
        until(lambda: len(asked) >= 2, "two questions in vain")
        assert seen.tabs() == 1
    has_ended(reader)


def away(asked: list[int]) -> Callable[[object], object]:
    def ask(_: object) -> object:
        asked.append(1)
        raise StoreAway("the console's database does not answer")

    return ask


def test_another_sites_page_cannot_hold_a_stream_open() -> None:
    """EventSource sends where it comes from; what says nothing, as a script, is served."""
    with client_of(make_parts(), Role.VIEWER) as browser:
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert browser.get("/events?topics=status", headers=headers).status_code == 403
