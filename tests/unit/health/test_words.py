"""Words of the rules."""

import re
from pathlib import Path

import pytest

from mdhub.health.model import Finding
from mdhub.health.words import LANGUAGES, PAGES, Language, page_of, shown_facts, tell
from mdhub.health.words_en import DONE as DONE_EN
from mdhub.health.words_en import WORDS as WORDS_EN
from mdhub.health.words_zh import DONE as DONE_ZH
from mdhub.health.words_zh import WORDS as WORDS_ZH

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def finding(rule: str, subject: str = "CTP1", done: str = "") -> Finding:
    return Finding(
        key=f"{rule}:{subject}", rule=rule, subject=subject, severity="error", since_ns=1, done=done
    )


def test_every_rule_has_words_in_both_languages_and_a_page() -> None:
    """A rule without words would wake somebody without saying why."""
    assert set(WORDS_EN) == set(WORDS_ZH) == set(PAGES)
    assert set(DONE_EN) == set(DONE_ZH)
    assert all(re.fullmatch(r"[a-z-]+", page) for page in PAGES.values())


@pytest.mark.parametrize("rule", sorted(PAGES))
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_say_what_it_means_and_what_to_do(rule: str, language: Language) -> None:
    """Each sentence is there, in its own language, with nothing left to fill in."""
    told = tell(finding(rule), language)
    sentences = [told.title, told.means, told.hub, told.act]
    assert all(sentences)
    assert not any("{" in each for each in sentences)
    assert all(bool(CHINESE.search(each)) == (language == "zh") for each in sentences)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_in_a_hint_names_its_subject(language: Language) -> None:
    """Unless pasting the name would do something else."""
    assert "mdhub sources restart CTP1" in tell(finding("source_frozen"), language).act
    for name in ("", "A;reboot", "-f", "$(x)", "A B"):
        assert "mdhub sources restart NAME" in tell(finding("source_frozen", name), language).act


def test_a_subject_is_data() -> None:
    """Braces in a name of somebody else's are no template, and an empty one leaves no hole."""
    assert tell(finding("source_silent", "{0.__class__}{rule}")).title.count("{0.__class__}") == 1
    assert tell(finding("shard_unled", "")).title == "Nobody leads the log"


def test_what_the_hub_did_is_said() -> None:
    """Known deeds in words, unknown ones as they came."""
    told = tell(finding("source_silent", done="restarted, sang"), "en")
    assert told.hub.endswith("Done: its process was restarted, sang.")
    assert tell(finding("source_silent", done="restarted"), "zh").hub.endswith(
        "已执行：已重启其进程。"
    )


def test_a_rule_from_the_future_is_told_too() -> None:
    """An older release names what it cannot explain."""
    told = tell(finding("moon_full"))
    assert told.title == "moon_full: CTP1"
    assert told.page == "docs/ops/README.md"


def test_facts_are_shown_in_fitting_units() -> None:
    """Numbers that a sleepy person can read."""
    facts = {"age_ms": 6_200, "limit_ms": 90, "free_bytes": 1_500_000_000, "since_s": 7_200.0}
    assert shown_facts(facts) == "age 6.2 s, limit 90 ms, free 1.5 GB, since 2 h"
    assert shown_facts({"age_ms": 6_200, "pid": 7}, "zh") == "静默 6.2 s, 进程号 7"
    assert shown_facts({"reason": "x" * 1_000}) == f"reason {'x' * 300}"


def test_pages_are_named_from_the_top_of_the_repository() -> None:
    """So a link works from a message as from the code."""
    assert Path(page_of("source_silent")) == Path("docs/ops/source-down.md")
