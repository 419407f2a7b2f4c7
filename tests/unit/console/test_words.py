"""The catalogue of words and what asks for them fit together."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from mdhub_console.words.catalogue import catalogue

CONSOLE = Path(__file__).resolve().parents[3] / "services/console/mdhub_console"
LITERAL = re.compile(r"""(["'])([a-z0-9_]+(?:\.[a-z0-9_]+)*\.?)\1""")
FILLED = re.compile(r"""f"([a-z0-9_.]+\.)\{""")
ASKED = re.compile(r"""\bt\(\s*(["'])([a-z0-9_.]+)\1\s*(~|\)|,)""")


@cache
def sources() -> dict[str, str]:
    """Templates and code, without the words themselves, by path."""
    files = [*CONSOLE.rglob("*.html"), *CONSOLE.rglob("*.py")]
    return {
        str(file.relative_to(CONSOLE)): file.read_text(encoding="utf-8")
        for file in files
        if file.parent.name != "words"
    }


def test_every_word_is_asked_for() -> None:
    """Whole, or by the beginning that a page completes; what nobody asks for is deleted."""
    said = {found[1] for text in sources().values() for found in LITERAL.findall(text)}
    said |= {found for text in sources().values() for found in FILLED.findall(text)}
    begun = tuple(each for each in said if each.endswith("."))
    assert len(begun) > 20
    assert [key for key in catalogue() if key not in said and not key.startswith(begun)] == []


def test_every_word_that_a_template_asks_for_is_there() -> None:
    """Also in branches that no test renders; of what a page completes, at least one."""
    asked = {
        (name, found[1], found[2] == "~")
        for name, text in sources().items()
        for found in ASKED.findall(text)
    }
    assert len(asked) > 300
    missing = [
        (name, key)
        for name, key, begun in sorted(asked)
        if not (any(each.startswith(key) for each in catalogue()) if begun else key in catalogue())
    ]
    assert missing == []
