"""The demo's one-time link: GET shows a button, POST logs in and uses the link up."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import QueryParameter, URLEncodedBody
from litestar.response import Redirect

from mdhub_console.identity.cookies import cookie_of, session_secret
from mdhub_console.identity.demo_link import NAME, DemoLink
from mdhub_console.identity.errors import LinkRefused
from mdhub_console.identity.middleware import note_deed
from mdhub_console.pages.fields import field, is_near, page
from mdhub_console.parts import Parts

__all__ = ["DEMO"]

Call = Request[Any, Any, Any]
_SMALL: Final = 4_096
_SEE_OTHER: Final = 303


@get("/demo", sync_to_thread=True, include_in_schema=False)
def show_demo(
    request: Call,
    parts: NamedDependency[Parts],
    token: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[Any]:
    """One button, while the link is good. Looking at it uses nothing up."""
    if not _link(request, parts).is_right(token):
        raise LinkRefused("the demo's link is wrong, used or older than 15 minutes")
    return page("demo.html", request, token=token)


@post(
    "/demo",
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=_SMALL,
    opt={"audit": "demo.login"},
)
def enter_demo(
    request: Call, data: URLEncodedBody[dict[str, str]], parts: NamedDependency[Parts]
) -> Response[Any]:
    """Log the demo's admin in, once."""
    link = _link(request, parts)
    secret = link.enter(field(data, "token"), address=request.scope["state"]["address"])
    note_deed(request, who=NAME)
    old = session_secret(request)
    if old:
        parts.identity.close_session(old)
    return Redirect("/", status_code=_SEE_OTHER, cookies=[cookie_of(request, secret)])


def _link(request: Call, parts: Parts) -> DemoLink:
    """Raises NotFound where there is no demo, PermissionDenied from another machine."""
    if parts.demo is None:
        raise NotFoundException("there is no demo here")
    if not is_near(request):
        raise PermissionDeniedException("the demo's link opens on the demo's own machine alone")
    return parts.demo


DEMO = (show_demo, enter_demo)
