"""One catalogue of every text that a page shows, in English and Chinese.

Each module of this package holds `WORDS`: key -> (English, Chinese). Templates say `t("page.key")`;
`{name}` in a text is filled from the keywords. A key that is missing raises KeyError: half a
translation never reaches a page, because tests render them all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Protocol

from litestar.connection import ASGIConnection

from mdhub_console.identity.model import Language, User

__all__ = [
    "LANGUAGES", "LANGUAGE_COOKIE", "Translate", "catalogue", "choose", "language_of", "text",
    "translator",
]  # fmt: skip

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
LANGUAGE_COOKIE: Final = "mdhub-language"
_PACKAGE: Final = "mdhub_console.words"


class Translate(Protocol):
    """Text of a key in one language."""

    def __call__(self, key: str, /, **values: object) -> str: ...


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """Every key of every module of this package. Raises ValueError on a key said twice."""
    found: dict[str, tuple[str, str]] = {}
    package = importlib.import_module(_PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{_PACKAGE}.{module.name}")
        words: Mapping[str, tuple[str, str]] = getattr(loaded, "WORDS", {})
        if twice := found.keys() & words.keys():
            raise ValueError(f"words/{module.name}.py says {sorted(twice)} that another one says")
        found.update(words)
    return found


def text(key: str, language: Language, /, **values: object) -> str:
    """Words of a key. Raises KeyError for one that does not exist: a test finds it first."""
    words = catalogue()[key][LANGUAGES.index(language)]
    return words.format_map(values) if values else words


def translator(language: Language) -> Translate:
    """Return `t` of one language."""

    def translate(key: str, /, **values: object) -> str:
        return text(key, language, **values)

    return translate


def language_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Language:
    """Language of a page: the cookie's (the switch sets it), the user's, else the browser's."""
    user: User | None = connection.scope.get("user")
    return choose(
        cookie=connection.cookies.get(LANGUAGE_COOKIE),
        user=None if user is None else user.language,
        accepted=connection.headers.get("accept-language"),
    )


def choose(*, cookie: str | None, user: str | None, accepted: str | None) -> Language:
    """First of those that name a language we have; English if none does."""
    for said in (cookie, user):
        for language in LANGUAGES:
            if said == language:
                return language
    best: tuple[float, Language] = (0.0, "en")
    for part in (accepted or "").split(","):
        tag, _, rest = part.strip().partition(";")
        weight = _weight(rest)
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language and weight > best[0]:
                best = (weight, language)
    return best[1]


def _weight(parameter: str) -> float:
    try:
        return float(parameter.partition("q=")[2] or 1.0)
    except ValueError:
        return 0.0
