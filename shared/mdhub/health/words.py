"""What each rule of the monitor says to people, in English and Chinese.

One place for alerts, `mdhub health`, the console and the run-books: the title of a finding, what it
means, what the hub does about it by itself, what a person has to do, and the page of `docs/ops`
that says more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from mdhub.health.model import Finding
from mdhub.health.words_en import DONE as DONE_EN
from mdhub.health.words_en import WORDS as WORDS_EN
from mdhub.health.words_zh import DONE as DONE_ZH
from mdhub.health.words_zh import LABELS as LABELS_ZH
from mdhub.health.words_zh import WORDS as WORDS_ZH

__all__ = ["LANGUAGES", "PAGES", "Language", "Told", "done_words", "page_of", "shown_facts", "tell"]

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

PAGES: Final[Mapping[str, str]] = {
    "service_down": "service-down",
    "shard_unled": "leadership",
    "no_standby": "leadership",
    "standby_ineligible": "leadership",
    "log_stalled": "leadership",
    "all_sources_silent": "all-silent",
    "source_silent": "source-down",
    "source_disconnected": "source-down",
    "source_frozen": "source-down",
    "source_lagging": "source-down",
    "source_restarting": "source-down",
    "source_quarantined": "source-down",
    "canary_silent": "contracts-silent",
    "contract_silent": "contracts-silent",
    "coverage_low": "contracts-silent",
    "rejections_high": "rejections",
    "server_memory": "redis-full",
    "server_fsync": "redis-slow",
    "server_away": "redis-away",
    "clock_offset": "clock",
    "disk_space": "disk-full",
    "calendar_horizon": "calendar-ends",
    "reader_behind": "readers",
    "reader_overtaken": "readers",
    "slow_clients": "readers",
    "checklist_failed": "morning-checklist",
    "schedule_missed": "schedule",
    "error_logged": "error-logged",
}
"""Every rule, and its page: `docs/ops/<page>.md`."""

MAX_FACT: Final = 300
"""Characters of one fact: texts of others stand in them."""
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}")
_SIZES: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_TIMES: Final = (("h", 3_600.0), ("min", 60.0))


class Words(NamedTuple):
    """The sentences of a rule; `{subject}` stands for what the finding is about.

    In `act` it is part of a command that somebody may paste: one that is no plain name is `NAME`.
    """

    title: str
    means: str
    hub: str
    """What the hub does by itself."""
    act: str
    """What a person does."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words."""

    title: str
    means: str
    hub: str
    act: str
    page: str
    """Path of its page, from the top of the repository."""


_WORDS: Final[Mapping[Language, Mapping[str, tuple[str, str, str, str]]]] = {
    "en": WORDS_EN,
    "zh": WORDS_ZH,
}
_DONE: Final[Mapping[Language, Mapping[str, str]]] = {"en": DONE_EN, "zh": DONE_ZH}
_UNKNOWN: Final[Mapping[Language, Words]] = {
    "en": Words(
        "{rule}: {subject}",
        "A rule that this release has no words for; it is newer, or somebody else's.",
        "Nothing that is known here.",
        "Look at mdhub health.",
    ),
    "zh": Words(
        "{rule}：{subject}",
        "本版本没有该规则的说明：规则来自更新的版本或其他程序。",
        "未知。",
        "请查看 mdhub health。",
    ),
}


def page_of(rule: str) -> str:
    """Path of the page of a rule; a rule without one is sent to the overview."""
    return f"docs/ops/{PAGES.get(rule, 'README')}.md"


def tell(finding: Finding, language: Language = "en") -> Told:
    """Put a finding into words; also one of a rule that is not known here."""
    known = _WORDS[language].get(finding.rule)
    words = Words(*known) if known else _UNKNOWN[language]
    done = _done(finding.done, language)
    return Told(
        title=_filled(words.title, finding),
        means=_filled(words.means, finding),
        hub=f"{_filled(words.hub, finding)} {done}".strip(),
        act=words.act.replace("{subject}", _argument(finding.subject)),
        page=page_of(finding.rule),
    )


def shown_facts(facts: Mapping[str, int | float | str], language: Language = "en") -> str:
    """Facts as text, `age_ms` of 6200 as `age 6.2 s`; numbers of a unit in a fitting one."""
    return ", ".join(_fact(name, value, language) for name, value in facts.items())


def _filled(template: str, finding: Finding) -> str:
    # Not str.format: a subject may hold braces.
    text = template.replace("{rule}", finding.rule).replace("{subject}", finding.subject)
    return " ".join(text.split()).rstrip(" :：")


def done_words(done: str, language: Language = "en") -> str:
    """What the hub did by itself (`Finding.done`), in words; empty = nothing."""
    said = [_DONE[language].get(each.strip(), each.strip()) for each in done.split(",")]
    return (", " if language == "en" else "、").join(said) if done else ""


def _argument(subject: str) -> str:
    return subject if _PLAIN_NAME.fullmatch(subject) else "NAME"


def _done(done: str, language: Language) -> str:
    if not done:
        return ""
    said = done_words(done, language)
    return f"Done: {said}." if language == "en" else f"已执行：{said}。"


def _fact(name: str, value: float | str, language: Language) -> str:
    stem, unit = name, ""
    for ending in ("_ms", "_ns", "_s", "_bytes"):
        if name.endswith(ending) and not isinstance(value, str):
            stem, unit = name.removesuffix(ending), ending
    label = LABELS_ZH.get(stem, stem) if language == "zh" else stem
    return f"{label.replace('_', ' ')} {_quantity(value, unit)}"


def _quantity(value: float | str, unit: str) -> str:
    match value, unit:
        case str(), _:
            return value[:MAX_FACT]
        case _, "_bytes":
            return _scaled(value, _SIZES, "B")
        case _, "_ms" | "_ns" | "_s":
            seconds = value / {"_ms": 1e3, "_ns": 1e9, "_s": 1.0}[unit]
            if abs(seconds) < 1:
                return f"{seconds * 1e3:.3g} ms"
            return _scaled(seconds, _TIMES, "s")
        case float(), _:
            return f"{value:.4g}"
        case _:
            return str(value)


def _scaled(value: float, units: tuple[tuple[str, float], ...], least: str) -> str:
    name, size = next(((n, s) for n, s in units if abs(value) >= s), (least, 1.0))
    return f"{value / size:.4g} {name}"
