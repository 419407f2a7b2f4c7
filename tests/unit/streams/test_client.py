"""Links to servers that cannot be used, and what is said of them."""

from __future__ import annotations

import pytest

from mdhub.streams.client import Link, describe_url
from mdhub.streams.errors import StreamsError, UnknownOutcome, Unusable
from tests.support.server import TestServer

SECRET = "s3cretpw"


def said_of(url: str) -> StreamsError:
    """The error of connecting, which must not show the password."""
    with pytest.raises(StreamsError) as caught:
        Link(url, name="test")
    assert SECRET not in str(caught.value)
    assert SECRET not in describe_url(url)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        f"foo://:{SECRET}@host:1",
        f"redis://:{SECRET}@host:port",
        f"redis://user:{SECRET}/x@host:1",
        f"redis://:{SECRET}@[host:1",
        f"redis://:{SECRET}@host:1?option=1",
        "",
    ],
)
def test_an_address_that_is_none_is_unusable(url: str) -> None:
    """It says what was expected, and trying again does not help."""
    error = said_of(url)
    assert isinstance(error, Unusable)
    assert "redis://host:port" in str(error)


def test_nobody_there_may_change() -> None:
    """A dead address is worth another attempt."""
    error = said_of(f"redis://:{SECRET}@127.0.0.1:1")
    assert isinstance(error, UnknownOutcome)
    assert "127.0.0.1:1" in str(error)


def test_a_refused_login_is_unusable() -> None:
    """Wrong password, none where one is needed, and rights that are missing."""
    with TestServer() as server:
        admin = Link(server.url, name="admin")
        admin.call("ACL", "SETUSER", "poor", "on", f">{SECRET}", "+client", "+select")
        poor = f"unix://poor:{SECRET}@{server.embedded.socket}"
        link = Link(poor, name="test")
        with pytest.raises(Unusable, match="rights") as refused:
            link.call("GET", "x")
        assert refused.value.state == "forbidden"
        assert isinstance(said_of(poor.replace("poor", "nobody")), Unusable)
        admin.call("CONFIG", "SET", "requirepass", "other")
        assert isinstance(said_of(f"unix://:{SECRET}@{server.embedded.socket}"), Unusable)
        assert isinstance(said_of(server.url), Unusable)
        admin.close()
