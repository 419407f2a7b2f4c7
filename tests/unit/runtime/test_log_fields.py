"""What stands in a line is plain, bounded, and holds no secret."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from mdhub.runtime.log_fields import MAX_TEXT, MAX_VALUES, Plain, without_passwords
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.secret import Values
from mdhub.sdk.keys import new_pair

CANARY = "c4n@ry:p?ss#w%rd"
ADDRESSES = (
    f"redis://:{CANARY}@10.0.0.5:6379/0",
    f"redis+sentinel://hub:{CANARY}@h1:1,h2:2/mymaster",
    f"no answer from mailtos://me:{CANARY}@smtp.example.org (timed out)",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_password_of_an_address_is_not_shown(address: str) -> None:
    """Who and where stay readable."""
    shown = without_passwords(address)
    assert "ss#w" not in shown and "***@" in shown
    assert shown.partition("://")[0] == address.partition("://")[0]


def test_tokens_of_robots_are_not_shown() -> None:
    """They stand in the query of an address."""
    text = "POST https://oapi.example.com/robot/send?access_token=abc123&timestamp=5 failed"
    shown = "POST https://oapi.example.com/robot/send?access_token=***&timestamp=5 failed"
    assert without_passwords(text) == shown


@given(st.text(st.characters(exclude_characters="/@ \t\r\n", exclude_categories=["Cs", "Z", "Cc"])))
def test_no_password_survives_whatever_is_in_it(password: str) -> None:
    """Only `/`, `@` and blanks must be quoted in an address."""
    assert without_passwords(f"redis://u:{password}@h/0") == "redis://u:***@h/0"


def test_types_that_hold_secrets_are_never_looked_into() -> None:
    """Settings show their names, key pairs their public half, others what their own str shows."""
    pair, stream = new_pair(), io.StringIO()
    values = Values({"user": "ann", "password": CANARY})
    Logger("ingest", "A", stream).info(
        "odd", settings=values, deep=[{"x": values}], pair=pair, other=SecretStr(CANARY)
    )
    text = stream.getvalue()
    assert "Values(user, password)" in text
    assert "c4n" not in text and pair.secret not in text


def test_secrets_the_logger_was_told_of_are_hidden_wherever_they_stand() -> None:
    """In the event's fields, nested, as a key, in the middle of another text, cut or not."""
    stream = io.StringIO()
    logger = Logger("ingest", "A", stream)
    logger.hide(CANARY)
    logger.error(
        "login_refused", text=f"'{CANARY}' is wrong", deep=[{CANARY: (CANARY,)}],
        error=ValueError(CANARY), cut="x" * (MAX_TEXT - 5) + CANARY,
    )  # fmt: skip
    assert "c4n" not in stream.getvalue() and "'***' is wrong" in stream.getvalue()


def test_the_password_of_the_server_is_hidden_from_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it stands in the address, quoted, and as it is sent."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://:c4n%40ry@h")
    service_logger("ingest", "A").error("refused", text="AUTH c4n@ry", url="c4n%40ry")
    assert "c4n" not in stream.getvalue() and stream.getvalue().count("***") == 2


@given(st.recursive(
    st.none() | st.floats() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers() | st.text(), inner),
    max_leaves=20,
))  # fmt: skip
def test_every_value_becomes_plain(value: Any) -> None:
    """Nothing raises, and what comes out is JSON."""
    json.dumps(Plain().fields({"value": value}))


def test_a_line_is_bounded_however_much_is_put_into_it() -> None:
    """In the length of texts and in the number of values."""
    stream = io.StringIO()
    many = [[["x" * 50] * 50] * 50] * 50
    Logger("ingest", "A", stream).info("big", text="y" * 1_000_000, many=many)
    assert len(stream.getvalue()) < MAX_TEXT + MAX_VALUES * 80
