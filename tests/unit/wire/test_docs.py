"""`docs/wire.md` says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import msgpack
import pytest

from mdhub.wire import PAYLOADS, ControlKind, MarkerKind
from mdhub.wire.examples import CLEAN_TICK, EXAMPLES
from mdhub.wire.markdown import wire_markdown

PAGE = Path(__file__).parents[3] / "docs" / "wire.md"


def test_the_page_is_the_one_the_code_makes() -> None:
    """A change of the contract that is not in the page does not pass."""
    assert PAGE.read_text() == wire_markdown(), "docs/wire.md is old: run `make wire-docs`"


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.__name__)
def test_every_payload_has_its_table(payload: type) -> None:
    """Each payload is described once."""
    assert wire_markdown().count(f"**{payload.__name__}**. ") == 1


def test_every_kind_is_named() -> None:
    """Control and marker kinds stand in the page with their bodies, or as reserved."""
    page = wire_markdown()
    assert [kind for kind in [*ControlKind, *MarkerKind] if f"`{kind}`" not in page] == []


def test_the_worked_example_is_read_from_its_hex() -> None:
    """The bytes printed in the page, read by another library, are the values beside them."""
    title = re.escape(EXAMPLES["clean_tick"][0].title)
    found = re.search(
        rf"{title} \(\d+ bytes\):\n\n```text\n.*\n\n([0-9a-f\s]+)```", PAGE.read_text()
    )
    assert found is not None

    fields = msgpack.unpackb(bytes.fromhex(found[1]))

    assert fields[:4] == [1, "cu2610", "SHFE", 20261123]
    assert fields[8] == CLEAN_TICK.last
    assert fields[-1][-1] == [None, None]
