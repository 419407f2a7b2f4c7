"""Every `mdhub ...` in the documentation is a command line that mdhub understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import complaint

ROOT = Path(__file__).parents[3]
PAGES = sorted({ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")})
BLOCK: Final = re.compile(r"(?m)^```[a-z]*\n(.*?)^```|((?:^ {4}\S.*\n)+)", re.DOTALL)
INLINE: Final = re.compile(r"`([^`]+)`")
CALL: Final = re.compile(r"(?:^|\s|bin/)mdhub +(?=[a-z-])(.*)")
LEFT_OUT: Final = re.compile(r"Missing argument|requires an argument|required: |expected one argu")
"""A sentence may name a command or an option without its value."""
END: Final = re.compile(r"\s#|\s*(?:\|\||&&|[;>)]|\s\|\s|\s&(?:\s|$)).*|\s{2,}.*")


def commands(text: str) -> Iterator[str]:
    """Those of code blocks, a line each, then those of code within sentences."""
    for block in BLOCK.finditer(text):
        for line in (block[1] or block[2]).replace("\\\n", " ").splitlines():
            if found := CALL.search(re.sub(r"\s+#.*", "", line.strip())):
                yield found[1]
    for code in INLINE.findall(BLOCK.sub("\n", text)):
        if found := re.fullmatch(r"(?:\S*/)?mdhub +([a-z-].*)", " ".join(code.split())):
            yield found[1]


def variants(command: str) -> Iterator[list[str]]:
    """Without what follows in the shell; `mute|unmute` is two, what is left out is left out."""
    cut = END.sub("", command.replace("[", "").replace("]", ""))
    cut = re.sub(r"\bSERVICE\b", "arbiter", cut)
    words = [word for word in shlex.split(cut) if word not in {"...", "…"}]
    choices = [word.split("|") if re.fullmatch(r"[a-z|-]+", word) else [word] for word in words]
    for words_of_one in product(*choices):
        yield list(words_of_one)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_commands_that_exist(page: Path) -> None:
    """With options that they have."""
    wrong = [
        f"mdhub {' '.join(words)}: {said}"
        for command in commands(page.read_text(encoding="utf-8"))
        for words in variants(command)
        if (said := complaint(words)) and LEFT_OUT.search(said) is None
    ]
    assert wrong == []
