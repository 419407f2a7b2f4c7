"""The report on recordings: what it says follows from the rows."""

from __future__ import annotations

from collections import Counter

from truth.chain import Fates
from truth.rows import HEADING, FileResult, section, with_section


def result(*, duplicates: int = 2, chain_accepts: int = 5) -> FileResult:
    fates = Fates(rows=7, duplicates=2)
    fates.fates["rb1801.SHFE", "accept", ""] = chain_accepts
    return FileResult(
        "some",
        7,
        Counter({("accept", ""): 5, ("duplicate", ""): duplicates}),
        Counter({
            ("rb1801.SHFE", "accept", ""): 5,
            ("rb1801.SHFE", "duplicate", ""): duplicates,
        }),
        fates,
        {"late: late": ["rb1801.SHFE 20171113 09:00:00.000"]},
    )  # fmt: skip


def test_agreement_needs_every_row_and_every_contract() -> None:
    """A verdict more or less on either side is a difference."""
    assert result().agrees
    assert not result(duplicates=1).agrees
    assert not result(chain_accepts=6).agrees


def test_the_section_counts_and_says_what_nobody_looked_at() -> None:
    """One row per file; a group without a judgement is marked as such."""
    text = section([result(), result(chain_accepts=4)])

    assert text.startswith(HEADING)
    assert "In 1 of 2 files" in text
    assert "| some | 7 | 5 | 0 | 2 | 0 | 0 | 0 | 0 | the same |" in text
    assert "**DIFFERS**" in text
    assert "| late: late | 2 | **not looked at yet** |" in text


def test_a_section_replaces_its_older_self_and_nothing_else() -> None:
    """The rest of the report is somebody else's."""
    report = f"# Truth\n\nbefore\n\n{HEADING}\n\nold\n\n## After\n\nkept\n"

    changed = with_section(report, f"{HEADING}\n\nnew\n")

    assert changed == f"# Truth\n\nbefore\n\n{HEADING}\n\nnew\n\n## After\n\nkept\n"
    assert with_section(changed, f"{HEADING}\n\nnew\n") == changed
    assert with_section("# Truth\n", f"{HEADING}\n\nx\n") == f"# Truth\n\n{HEADING}\n\nx\n"
