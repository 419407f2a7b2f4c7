"""The pure parts of identity: codes, lockout, the chain."""

from __future__ import annotations

import base64

import pytest

from mdhub_console.identity.audit import NO_DIGEST, Deed, first_break, sealed
from mdhub_console.identity.lockout import LONGEST_S, Failures, wait_s
from mdhub_console.identity.totp import code_at, enrolment_uri, matching_step, secret_text
from mdhub_console.pages.fields import local_path
from mdhub_console.server.origin import is_own_origin

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(at_s: int, code: str) -> None:
    """The vectors of its appendix B, SHA-1, the last six digits."""
    assert code_at(RFC_SECRET, at_s // 30) == code


def test_a_code_counts_one_step_early_or_late_and_never_again() -> None:
    """Clocks differ a little; a step that was taken is over."""
    code = code_at(RFC_SECRET, 100)
    steps = {
        step: matching_step(RFC_SECRET, code, now_s=step * 30, after=0) for step in range(98, 103)
    }
    assert steps == {98: None, 99: 100, 100: 100, 101: 100, 102: None}
    assert matching_step(RFC_SECRET, code, now_s=3000, after=100) is None
    assert matching_step(RFC_SECRET, "ノ", now_s=3000, after=0) is None


def test_the_address_for_apps_names_hub_and_user() -> None:
    """Secrets without padding, names escaped."""
    uri = enrolment_uri(secret_text(b"x" * 20), name="a@b c")
    assert uri.startswith("otpauth://totp/mdhub:a%40b%20c?secret=") and "=&" not in uri


def test_a_wait_doubles_from_a_minute_to_a_quarter_of_an_hour() -> None:
    """Five are free; whatever the clock does nobody waits longer."""
    waits = [wait_s(Failures(number, 1_000.0), 1_000.0) for number in range(1, 12)]
    assert waits == [0, 0, 0, 0, 60, 120, 240, 480, 900, 900, 900]
    assert wait_s(Failures(5, 1_000.0), 1_059.0) == 1
    assert wait_s(Failures(5, 1_000.0), 5_000.0) == 0
    assert wait_s(Failures(10_000, 1_000.0), -1e9) == LONGEST_S


def test_an_inserted_record_breaks_the_chain() -> None:
    """Also one that was sealed properly, after the end that the hub knows of."""
    first = sealed(Deed(who="a", action="x"), n=1, ts_ns=1, previous=NO_DIGEST)
    second = sealed(Deed(who="b", action="y"), n=2, ts_ns=2, previous=first.digest)
    whole = [first, second]
    assert first_break(whole, newest=(2, second.digest)) is None
    assert first_break(whole, newest=(1, first.digest)) == 3
    assert first_break([second], newest=(2, second.digest)) == 1
    assert first_break([], newest=(0, NO_DIGEST)) is None


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"host": "h:1", "origin": "http://h:1"}, True),
        ({"host": "h:1", "origin": "https://h:1"}, False),
        ({"host": "h:1", "origin": "http://h"}, False),
        ({"host": "h:1", "origin": "null"}, False),
        ({"host": "h:1", "sec-fetch-site": "same-origin"}, True),
        ({"host": "h:1", "sec-fetch-site": "same-site"}, False),
        ({"host": "h:1"}, None),
    ],
)
def test_only_our_own_pages_have_our_origin(headers: dict[str, str], *, own: bool | None) -> None:
    """Scheme, name and port all count; who says nothing is not called ours."""
    assert is_own_origin(headers, scheme="http") is own


@pytest.mark.parametrize("path", ["/", "/a?b=c", "/日志"])
def test_paths_of_this_console_are_kept(path: str) -> None:
    """What begins with one slash."""
    assert local_path(path) == path
