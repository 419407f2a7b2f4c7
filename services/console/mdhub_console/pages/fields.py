"""What forms of plain pages have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.response import Template

from mdhub_console.server.errors import Problem, problem_of
from mdhub_console.server.origin import is_loopback

__all__ = ["Form", "field", "is_near", "local_path", "page"]

Form = Mapping[str, str]


def field(form: Form, name: str) -> str:
    """Return a field; one that was left out is empty."""
    return str(form.get(name, ""))


def local_path(text: str) -> str:
    """Return a path of this console, whatever was asked for: no way to another site."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if safe else "/"


def is_near(request: Request[Any, Any, Any]) -> bool:
    """Whether a request comes from this machine itself."""
    return is_loopback(request.scope["state"]["address"])


def page(
    template: str, request: Request[Any, Any, Any], error: Exception | None = None, **context: Any
) -> Template:
    """Render a page; with an error, its problem above the form, with its status."""
    problem: Problem | None = problem_of(error, request.url.path) if error else None
    status = problem.status if problem else 200
    return Template(template, context={"problem": problem, **context}, status_code=status)
