"""Addresses of Sentinels, and whom of several Sentinels is believed."""

from __future__ import annotations

from typing import Any

import pytest

from mdhub.streams.client import Link, describe_url
from mdhub.streams.errors import NotReady, StreamsError, UnknownOutcome, Unusable
from mdhub.streams.sentinel import check_master, find_master, is_sentinel, parse_sentinels

SECRET = "s3cretpw"
THREE = parse_sentinels("redis+sentinel://a:1,b:2,c:3/hub")


class Watcher:
    """Names a master, or fails."""

    def __init__(self, epoch: int, host: str, error: StreamsError | None = None) -> None:
        self.epoch = epoch
        self.host = host
        self.error = error
        self.closed = 0

    def call(self, *args: Any) -> Any:
        if self.error:
            raise self.error
        if args[:2] == ("SENTINEL", "GET-MASTER-ADDR-BY-NAME"):
            return [self.host.encode(), b"6379"] if self.host else None
        return [b"name", b"hub", b"config-epoch", b"%d" % self.epoch]

    def close(self) -> None:
        self.closed += 1


class Three:
    """Connections to the Sentinels of `THREE`."""

    def __init__(self, *sentinels: Watcher) -> None:
        self.asked: list[str] = []
        self.by_url = dict(
            zip(("redis://a:1", "redis://b:2", "redis://c:3"), sentinels, strict=True)
        )

    def dial(self, url: str) -> Watcher:
        self.asked.append(url)
        return self.by_url[url]


def test_every_part_of_an_address_goes_where_it_belongs() -> None:
    """Hosts with and without port, IPv6, both logins, database, options."""
    url = (
        "redis+sentinel://hub:p%40ss@one,two:5000,[::1]:7/mymaster/3"
        "?sentinel_username=watch&sentinel_password=q%2Fx&health_check_interval=0"
    )
    found = parse_sentinels(url)

    assert found.places == (("one", 26379), ("two", 5000), ("::1", 7))
    assert found.name == "mymaster"
    assert found.master_url("::1", 6379) == (
        "redis://hub:p%40ss@[::1]:6379/3?health_check_interval=0"
    )
    assert found.sentinel_url(("one", 26379)) == "redis://watch:q%2Fx@one:26379"
    assert found.shown == "mymaster (Sentinels one:26379,two:5000,[::1]:7)"


def test_tls_is_spoken_to_all() -> None:
    """`rediss+sentinel` is to `rediss` what `redis+sentinel` is to `redis`."""
    found = parse_sentinels("rediss+sentinel://one/hub")
    assert found.master_url("m", 1) == "rediss://m:1/0"
    assert found.sentinel_url(("one", 2)) == "rediss://one:2"
    assert is_sentinel("rediss+sentinel://one/hub") and not is_sentinel("redis://one/hub")


@pytest.mark.parametrize(
    "url",
    [
        f"redis+sentinel://:{SECRET}@one,two",
        f"redis+sentinel://:{SECRET}@one,two/",
        f"redis+sentinel://:{SECRET}@/hub",
        f"redis+sentinel://:{SECRET}@one,,two/hub",
        f"redis+sentinel://:{SECRET}@one:port/hub",
        f"redis+sentinel://:{SECRET}@one/hub/0/1",
        f"redis+sentinel://one/hub?sentinel_password={SECRET}&x",
    ],
)
def test_an_address_that_is_none_is_unusable(url: str) -> None:
    """It says what was expected, and nothing of what was given."""
    with pytest.raises(Unusable, match=r"redis\+sentinel://host1") as caught:
        Link(url, name="test")
    assert caught.value.state == "address"
    assert SECRET not in f"{caught.value}{describe_url(url)}"


def test_no_message_shows_a_password() -> None:
    """Neither that of the servers nor that of the Sentinels."""
    url = f"redis+sentinel://u:{SECRET}@127.0.0.1:1/hub?sentinel_password={SECRET}"
    with pytest.raises(UnknownOutcome, match="no Sentinel names hub") as caught:
        Link(url, name="test")
    assert caught.value.state == "unnamed"
    assert SECRET not in f"{caught.value.sentence}{describe_url(url)}"


def test_the_sentinel_that_saw_the_newest_failover_is_believed() -> None:
    """One that slept leads nobody back to the master of the past."""
    three = Three(Watcher(4, "old"), Watcher(5, "new"), Watcher(4, "old"))
    found = {find_master(THREE, three.dial) for _ in range(20)}
    assert "redis://new:6379/0" in found

    three = Three(Watcher(4, "old"), Watcher(5, "new"), Watcher(5, "new"))
    for _ in range(20):
        assert find_master(THREE, three.dial) == "redis://new:6379/0"


def test_two_of_three_that_agree_are_enough() -> None:
    """The third, which may be slow to fail, is not waited for; all connections are closed."""
    three = Three(Watcher(5, "m"), Watcher(5, "m"), Watcher(5, "m"))
    assert find_master(THREE, three.dial) == "redis://m:6379/0"
    assert len(three.asked) == 2
    assert sum(sentinel.closed for sentinel in three.by_url.values()) == 2


def test_one_that_answers_is_enough() -> None:
    """However the others fail."""
    gone = Watcher(0, "", UnknownOutcome("gone"))
    loading = Watcher(0, "", NotReady("loading", "loading"))
    three = Three(gone, Watcher(1, "m"), loading)
    assert find_master(THREE, three.dial) == "redis://m:6379/0"


def test_only_if_all_say_that_it_cannot_heal_it_is_said() -> None:
    """A name that nobody watches ends a service at its start; a Sentinel that is away does not."""
    with pytest.raises(Unusable, match="'hub'") as caught:
        find_master(THREE, Three(Watcher(0, ""), Watcher(0, ""), Watcher(0, "")).dial)
    assert caught.value.state == "unmonitored"
    away = Watcher(0, "", UnknownOutcome("gone"))
    with pytest.raises(UnknownOutcome, match="gone"):
        find_master(THREE, Three(Watcher(0, ""), away, Watcher(0, "")).dial)


def test_a_server_that_is_no_master_is_not_used() -> None:
    """A failover is under way, or the Sentinels have not seen that it is over."""

    class Replica(Watcher):
        def call(self, *args: Any) -> Any:
            assert args == ("ROLE",)
            return [b"slave", b"127.0.0.1", 6379, b"connected", 1]

    with pytest.raises(NotReady, match="slave") as caught:
        check_master(Replica(0, ""), "h:1")
    assert caught.value.state == "demoted"
