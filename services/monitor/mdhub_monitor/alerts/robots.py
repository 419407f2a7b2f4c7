"""What the robots of DingTalk, WeCom, Feishu and Lark answer, which Apprise does not look at.

They say HTTP 200 to everything and put the refusal into the body: `{"errcode": 310000, ...}` or
`{"code": 9499, ...}`. Apprise 2.2 counts each 200 as delivered, so a robot with a wrong token, a
missing keyword or too many messages would swallow alerts in silence. Here the module that its
plugin posts with is replaced, in that plugin's module alone, by one that reads the body too.
"""

from __future__ import annotations

import json
import threading
from importlib import import_module
from types import ModuleType
from typing import Any, Final

__all__ = ["ROBOTS", "look_at_answers", "refusal", "refusal_of_this_thread"]

ROBOTS: Final = frozenset({"dingtalk", "wecombot", "feishu", "lark"})
TOO_MANY: Final = frozenset({130101, 660026, 45009, 45033, 9499, 11232})
"""Their codes for too many messages: DingTalk, WeCom, Feishu and Lark."""
REFUSED: Final = 502
"""Stands for the 200, so that the plugin takes it for a failure."""
_SHOWN: Final = 200

_said = threading.local()


class _Requests:
    """Stands in for the module `requests` within a plugin's module."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        """Post, and make a refusal in the body one of the status too."""
        response = self._module.post(*args, **kwargs)
        _said.refusal = refusal(response.content) if response.status_code == 200 else None  # noqa: PLR2004 - OK
        if _said.refusal is not None:
            response.status_code = REFUSED
        return response


def look_at_answers(plugin: object) -> None:
    """Let the plugin's module post through us; again is no harm."""
    module: Any = import_module(type(plugin).__module__)
    if not isinstance(module.requests, _Requests):
        module.requests = _Requests(module.requests)


def refusal(body: bytes) -> tuple[int, str] | None:
    """Code and words of a refusal; None = accepted, or an answer that is none of theirs."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    code = next((answer[k] for k in ("errcode", "code", "StatusCode") if k in answer), 0)
    words = next((answer[k] for k in ("errmsg", "msg", "StatusMessage") if k in answer), "")
    return (code, str(words)[:_SHOWN]) if isinstance(code, int) and code else None


def refusal_of_this_thread() -> tuple[int, str] | None:
    """Take what the last robot asked by this thread has refused; None = nothing."""
    found: tuple[int, str] | None = getattr(_said, "refusal", None)
    _said.refusal = None
    return found
