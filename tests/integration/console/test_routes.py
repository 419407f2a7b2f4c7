"""Every route: whom it lets in, and that nobody else's page can use it. From the route table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from mdhub_console.factory import make_app
from mdhub_console.identity.guards import Requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.globals import asset
from mdhub_console.parts import Parts
from mdhub_console.routes import PUBLIC
from mdhub_console.server.csrf import HEADER
from tests.support.console import Console, client_of, make_identity, make_parts

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
PARTS = make_parts()


def routes_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    yield str(method), route.path, handler


def role_of(handler: HTTPRouteHandler) -> Role | None:
    roles = [g.role for g in handler.resolve_guards() if isinstance(g, Requires)]
    return max(roles, default=None)


def filled(path: str) -> str:
    return re.sub(r"\{\w+:int\}", "9", re.sub(r"\{\w+:(str|path)\}", "x", path))


TABLE = sorted(
    ((method, path, role_of(handler)) for method, path, handler in routes_of(make_app(PARTS))),
    key=lambda row: row[:2],
)
PRIVATE = [row for row in TABLE if row[2] is not None]
# Each is asked below its role; what it does at its role is the matter of its own tests.


@pytest.fixture(scope="module", params=[None, *Role], ids=lambda role: role.word if role else "-")
def client(request: pytest.FixtureRequest) -> Iterator[tuple[Role | None, Console]]:
    with client_of(PARTS, request.param) as made:
        yield request.param, made


def test_every_route_asks_for_a_role_or_is_listed_as_public() -> None:
    """A new handler without `requires(...)` fails here until somebody decides."""
    unguarded = {(method, path) for method, path, role in TABLE if role is None}
    assert unguarded == set(PUBLIC)


def test_a_role_too_low_is_turned_away_everywhere(client: tuple[Role | None, Console]) -> None:
    """Route by route: nobody gets 401, a role below the route's gets 403."""
    role, browser = client
    browser.headers[HEADER] = browser.headers.get(HEADER, "1")
    expected = 401 if role is None else 403
    wrong = {}
    for method, path, wanted in PRIVATE:
        if role is None or role < (wanted or role):
            status = browser.request(method, filled(path)).status_code
            if status != expected:
                wrong[method, path] = status
    assert wrong == {}


def test_the_matrix_has_rows_for_every_role() -> None:
    """The matrix above is not empty for want of routes."""
    assert {role for _, _, role in PRIVATE} >= {Role.VIEWER, Role.ADMIN}


def test_an_unsafe_request_without_the_token_is_refused_everywhere() -> None:
    """Each route that changes something: no token, a wrong one, another site's page -> 403."""
    with client_of(PARTS, Role.ADMIN) as browser:
        right = browser.headers.pop(HEADER)
        wrong = {}
        for method, path, _ in TABLE:
            if method not in UNSAFE:
                continue
            headers: list[dict[str, str]] = [
                {},
                {HEADER: "0" * 64},
                {HEADER: right, "origin": "https://evil.example"},
                {HEADER: right, "sec-fetch-site": "cross-site"},
                {HEADER: right, "origin": "null"},
            ]
            statuses = [
                browser.request(method, filled(path), headers=each).status_code for each in headers
            ]
            if set(statuses) != {403}:
                wrong[method, path] = statuses
        assert wrong == {}


def test_a_stranger_without_header_or_origin_cannot_log_in() -> None:
    """A form on another site posts no header of ours, and its browser names that site."""
    with client_of(PARTS, None) as browser:
        form = {"name": "admin", "password": "x"}
        assert browser.post("/login", data=form).status_code == 403
        evil = {"origin": "https://evil.example"}
        assert browser.post("/login", data=form, headers=evil).status_code == 403
        own = {"origin": "http://127.0.0.1:8080"}
        assert browser.post("/login", data=form, headers=own).status_code == 401


def test_get_changes_nothing() -> None:
    """No handler of GET is audited: what is worth a record is not done by following a link."""
    audited = {
        (method, path)
        for method, path, handler in routes_of(make_app(PARTS))
        if method == "GET" and "audit" in handler.opt
    }
    assert audited == set()


def test_every_unsafe_route_beyond_taste_is_audited() -> None:
    """What changes something names its action for the audit log; choosing a theme does not."""
    taste = {("PATCH", "/api/me"), ("POST", "/language"), ("POST", "/profile")}
    taste.add(("POST", "/accounts/-/check"))  # keeps nothing: says what is wrong with a form
    silent = {
        (method, path)
        for method, path, handler in routes_of(make_app(PARTS))
        if method in UNSAFE and "audit" not in handler.opt
    }
    assert silent <= taste


def test_nothing_in_the_repository_sets_a_default_account() -> None:
    """No code of the product makes a user with a password of its own."""
    code = Path(__file__).resolve().parents[3] / "services/console/mdhub_console"
    found = [
        path.name
        for path in code.rglob("*.py")
        if re.search(r"""password\s*=\s*["'][^"']""", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def parts_without_users() -> Parts:
    return make_parts(identity=make_identity(roles=()))


def test_before_the_first_user_only_the_setup_is_served() -> None:
    """A person is led to /setup, a program is told 503, on every route but the health checks.

    A login is answered as ever: wrong, whatever it says.
    """
    with client_of(parts_without_users(), None) as browser:
        browser.headers[HEADER] = "1"
        served = {
            (method, path)
            for method, path, _ in TABLE
            if browser.request(method, filled(path)).status_code != 503
        }
        assert served <= {
            ("GET", "/setup"), ("POST", "/setup"), ("GET", "/healthz"), ("GET", "/readyz"),
            ("POST", "/api/login"), ("POST", "/login"), ("GET", "/static/{file_path:path}"),
            ("POST", "/language"),
        }  # fmt: skip
        assert browser.get(asset("css/console.css")).status_code == 200, "the set-up is styled"
        page = browser.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/setup")


def test_every_path_of_the_api_is_in_its_document() -> None:
    """docs/console-api.md names it, with whatever names of parameters."""
    file = Path(__file__).resolve().parents[3] / "docs/console-api.md"
    text = file.read_text(encoding="utf-8")
    told = {re.sub(r"\{[^}]*\}", "{}", path) for path in re.findall(r"`(/api/[^`?]*)", text)}
    served = {re.sub(r"\{[^}]*\}", "{}", path) for _, path, _ in TABLE if path.startswith("/api/")}
    assert len(served) > 40 and served - told == set()
