"""What every template may call: words, formats, addresses of assets, who looks."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from litestar import Request

from mdhub_console.identity.model import Language, User
from mdhub_console.live.rows import EventRow
from mdhub_console.pages import formats
from mdhub_console.pages.events import told
from mdhub_console.server.csrf import csrf_token
from mdhub_console.words.catalogue import catalogue, language_of, text

__all__ = [
    "KEYS",
    "NAV",
    "STATIC",
    "THEMES",
    "THEME_COOKIE",
    "Page",
    "add_globals",
    "asset",
    "page_of",
]

STATIC: Final = Path(__file__).resolve().parents[1] / "static"
THEME_COOKIE: Final = "mdhub-theme"
PRICES_COOKIE: Final = "mdhub-prices"
THEMES: Final = ("system", "dark", "light")
NAV: Final = (
    ("overview", "/"),
    ("sources", "/sources"),
    ("instruments", "/instruments"),
    ("rejected", "/rejected"),
    ("replay", "/replay"),
    ("timeline", "/timeline"),
    ("alerts", "/alerts"),
    ("logs", "/logs"),
    ("accounts", "/accounts"),
    ("schedule", "/schedule"),
    ("system", "/system"),
)
"""Key of the word and path of every page in the header."""
KEYS: Final = {
    "overview": "o", "sources": "s", "instruments": "i", "rejected": "r", "replay": "p",
    "timeline": "t", "alerts": "a", "logs": "l", "accounts": "c", "schedule": "h", "system": "y",
}  # fmt: skip
"""`g` and this letter open the page."""
_MS: Final = 1_000_000
_OF: Final = re.compile(r"(\w+) (\d+) of (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Who looks, how."""

    language: Language
    theme: str
    user: User | None
    path: str
    csrf: str
    prices: str
    """`china`: red is up; `west`: green is."""

    def here(self, path: str) -> bool:
        """Whether a page of the header is the present one."""
        return self.path == path or (path != "/" and self.path.startswith(f"{path}/"))

    @property
    def place(self) -> str:
        """Name of the page of the header that this is, or is below; empty = of none."""
        return next((name for name, path in NAV if self.here(path)), "")


def page_of(request: Request[Any, Any, Any]) -> Page:
    """Read it from the request."""
    theme = request.cookies.get(THEME_COOKIE, "")
    return Page(
        language=language_of(request),
        theme=theme if theme in THEMES else "system",
        user=request.scope.get("user"),
        path=request.url.path,
        csrf=csrf_token(request),
        prices="west" if request.cookies.get(PRICES_COOKIE) == "west" else "china",
    )


@cache
def asset(path: str) -> str:
    """Address of a file of ours; it changes with the content, so it may be kept for ever."""
    if path.startswith("vendor/"):
        return f"/static/{path}"
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def add_globals(environment: Environment) -> None:
    """Put all of it into an environment."""
    environment.globals.update(
        t=_translate, t_or=_translate_or, t_state=_state, csrf=_csrf, page_of=page_of, asset=asset,
        told=_told, NAV=NAV, KEYS=KEYS, THEMES=THEMES, DASH=formats.DASH, ms=_ms,
    )  # fmt: skip
    for name in formats.__all__:
        value = getattr(formats, name)
        if callable(value):
            environment.filters[name] = value


def _ms(ts_ns: int) -> int:
    return ts_ns // _MS


@pass_context
def _translate(context: Context, key: str, **values: Any) -> str:
    return text(key, language_of(context["request"]), **values)


@pass_context
def _translate_or(context: Context, key: str, otherwise: str) -> str:
    """Words of a problem; one that has none speaks English."""
    return text(key, language_of(context["request"])) if key in catalogue() else otherwise


@pass_context
def _state(context: Context, state: str) -> str:
    """A state as a heartbeat says it, such as `running 1 of 2`."""
    found = _OF.fullmatch(state)
    if found is None:
        return _translate_or(context, f"system.is.{state}", state)
    word = _translate_or(context, f"system.is.{found[1]}", found[1])
    return _translate(context, "system.is.of", state=word, n=found[2], of=found[3])


@pass_context
def _csrf(context: Context) -> str:
    return csrf_token(context["request"])


@pass_context
def _told(context: Context, event: EventRow) -> str:
    return told(event, language_of(context["request"]))
