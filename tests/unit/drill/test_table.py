"""The table says what was found, to people, in a page and to machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdhub.drill.registry import DRILLS, UnknownDrill, chosen
from mdhub.drill.run import Row
from mdhub.drill.table import as_json, as_text, into_page

PASSED = Row(
    id="P1", title="leader killed", fault="kill -9", criterion="silence <= 0.5 s", verdict="pass",
    seed=7, clean_equals_raw=True, faults=5, silence_p50_s=0.1, silence_p99_s=0.2,
    silence_max_s=0.21,
)  # fmt: skip
FAILED = Row(
    id="R1", title="server killed", fault="kill -9 server", criterion="c", verdict="FAIL", seed=7,
    lost=3, duplicated=2, disordered=1, clean_equals_raw=False, reasons=["client: lost 3"],
)  # fmt: skip
SKIPPED = Row(
    id="N2", title="link", fault="link down", criterion="c", verdict="skipped", seed=7,
    reasons=["needs netns: run as root"],
)  # fmt: skip


def test_json_sums_what_ran() -> None:
    """A skipped row counts for nothing, a failed one for all."""
    both = as_json([PASSED, FAILED, SKIPPED])

    assert (both["lost"], both["duplicated"], both["disordered"]) == (3, 2, 1)
    assert both["clean_equals_raw"] is False
    assert as_json([PASSED, SKIPPED])["clean_equals_raw"] is True
    assert as_json([SKIPPED])["clean_equals_raw"] is False
    assert [row["id"] for row in both["drills"]] == ["P1", "R1", "N2"]


def test_text_says_why() -> None:
    """Below the table each row that failed or was skipped has its reason."""
    text = as_text([PASSED, FAILED, SKIPPED])

    assert "0.200 s" in text
    assert "R1: client: lost 3" in text
    assert "N2: needs netns: run as root" in text


def test_a_page_keeps_its_words_around_the_table(tmp_path: Path) -> None:
    """Only what stands between the marks is replaced."""
    page = tmp_path / "drills.md"
    into_page(page, [PASSED], "mdhub drill")
    page.write_text("before\n" + page.read_text() + "after\n")

    into_page(page, [FAILED], "mdhub drill --only R1")

    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "mdhub drill --only R1" in text
    assert "kill -9 server" in text and "silence <= 0.5 s" not in text


def test_rows_are_chosen_by_id_in_the_order_given() -> None:
    """Whatever the case of the letters."""
    assert [drill.id for drill in chosen("r1,P1")] == ["R1", "P1"]
    assert chosen(None) == DRILLS


@pytest.mark.parametrize("only", ["P1,Q9", "", " , "])
def test_an_unknown_row_is_refused_with_those_there_are(only: str) -> None:
    """No run of nothing that passes."""
    with pytest.raises(UnknownDrill, match=r"expected some of P1, P2"):
        chosen(only)


def test_ids_are_unique() -> None:
    """One name, one row."""
    ids = [drill.id.lower() for drill in DRILLS]
    assert sorted(ids) == sorted(set(ids))
