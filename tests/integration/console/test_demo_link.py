"""The demo's one-time link: once, from this machine, for 15 minutes, and only in a demo."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.demo_link import FILE, NAME, DemoLink
from mdhub_console.identity.errors import LinkRefused, UserExists
from mdhub_console.identity.model import Role
from mdhub_console.identity.one_time import LIFE_S
from mdhub_console.identity.service import Identity
from mdhub_console.settings import ConsoleSettings, SettingsError, check_settings
from tests.support.clocks import Hands
from tests.support.console import client_of, make_identity, make_parts
from tests.support.console_server import served

pytestmark = pytest.mark.timeout(60)

TOKEN = "AbCdEfGhIjKlMnOpQrStUv"  # 22 characters, as 128 bits make
NEAR = "127.0.0.1"


@dataclass(slots=True)
class Demo:
    """A console of a demo, its clock, and a browser on this machine."""

    identity: Identity
    link: DemoLink
    hands: Hands
    browser: httpx.Client

    def enter(self, token: str = TOKEN) -> httpx.Response:
        return self.browser.post("/demo", data={"token": token})


@pytest.fixture
def demo() -> Iterator[Demo]:
    hands = Hands()
    identity = make_identity(roles=(), clock=hands.clock())
    link = demo_link(identity, hands)
    link.begin(TOKEN)
    with served(make_parts(identity=identity, demo=link)) as console:
        url = f"http://{NEAR}:{console.port}"
        with httpx.Client(base_url=url, headers={"origin": url, "accept": "text/html"}) as browser:
            yield Demo(identity, link, hands, browser)


def demo_link(identity: Identity, hands: Hands) -> DemoLink:
    return DemoLink(identity, identity.setup_token.file.parent, hands.clock())


def test_the_link_shows_one_button_and_its_use_logs_an_admin_in(demo: Demo) -> None:
    """Looking uses nothing up; the use is one audit record, without the token."""
    for _ in range(2):
        shown = demo.browser.get("/demo", params={"token": TOKEN})
        assert shown.status_code == 200
        assert shown.text.count("<button") == 1
        assert "set-cookie" not in shown.headers
    entered = demo.enter()
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "HttpOnly" in entered.headers["set-cookie"]
    me = demo.browser.get("/api/me", headers={"accept": "*/*"}).json()
    assert (me["name"], me["role"]) == (NAME, "admin")
    records = demo.identity.records.page()
    assert [(each.who, each.action, each.result) for each in records] == [
        (NAME, "demo.login", "ok")
    ]
    assert TOKEN not in repr(records)


def test_a_second_use_is_refused_also_after_a_restart(demo: Demo) -> None:
    """Neither the page nor the login; a console that starts again is told no token."""
    assert demo.enter().status_code == 303
    demo.browser.cookies.clear()
    again = demo_link(demo.identity, demo.hands)
    again.begin("")
    for link in (demo.link, again):
        with pytest.raises(LinkRefused, match="start the demo again"):
            link.enter(TOKEN, address=NEAR)
    assert demo.browser.get("/demo", params={"token": TOKEN}).status_code == 403
    refused = demo.enter()
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


def test_an_unused_link_outlives_a_restart_and_a_quarter_of_an_hour_ends_it(demo: Demo) -> None:
    """The console may be killed before the link was used; time is what ends it."""
    again = demo_link(demo.identity, demo.hands)
    again.begin("")
    assert again.is_right(TOKEN)
    demo.hands.turn(LIFE_S + 1)
    assert not again.is_right(TOKEN)
    assert demo.enter().status_code == 403


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "v", "ノ"])
def test_another_token_is_refused_and_uses_nothing_up(demo: Demo, token: str) -> None:
    """The right one opens afterwards."""
    assert demo.browser.get("/demo", params={"token": token}).status_code == 403
    assert demo.enter(token).status_code == 403
    assert demo.enter().status_code == 303


def test_of_many_at_once_one_gets_in(demo: Demo) -> None:
    """Eight threads with the right token."""
    sessions: list[str] = []
    refused: list[LinkRefused] = []
    start = threading.Barrier(8)

    def enter() -> None:
        start.wait()
        try:
            sessions.append(demo.link.enter(TOKEN, address=NEAR))
        except LinkRefused as error:
            refused.append(error)

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(sessions), len(refused)) == (1, 7)


def test_the_token_is_kept_as_a_digest_that_others_cannot_read(demo: Demo) -> None:
    """In a file of mode 0600; no file of the folder holds the token itself."""
    folder = demo.identity.setup_token.file.parent
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    held = [path.read_bytes() for path in folder.iterdir()]
    assert len(held) >= 2
    assert not any(TOKEN.encode() in content for content in held)


def test_nobody_knows_the_demo_admins_password(demo: Demo) -> None:
    """What everybody tries is refused; the demo's admin may set one and come back with it."""
    for password in ("demo", "", TOKEN):
        answer = demo.browser.post("/login", data={"name": NAME, "password": password})
        assert answer.status_code == 401
    demo.enter()
    csrf = demo.browser.get("/api/me", headers={"accept": "*/*"}).json()["csrf_token"]
    form = {"csrf_token": csrf, "password": "a quite long phrase 7"}
    assert demo.browser.post("/profile/password", data=form).status_code == 303
    demo.browser.cookies.clear()
    back = {"name": NAME, "password": "a quite long phrase 7"}
    answer = demo.browser.post("/login", data=back)
    assert answer.status_code == 303
    assert PLAIN in answer.cookies


def test_from_another_machine_the_link_opens_nothing() -> None:
    """403 before the token is looked at."""
    hands = Hands()
    identity = make_identity(roles=(), clock=hands.clock())
    link = demo_link(identity, hands)
    link.begin(TOKEN)
    with client_of(make_parts(identity=identity, demo=link), None) as far:
        own = {"origin": "http://127.0.0.1:8080"}
        assert far.get(f"/demo?token={TOKEN}").status_code == 403
        assert far.post("/demo", data={"token": TOKEN}, headers=own).status_code == 403
    assert link.is_right(TOKEN)


def test_a_console_that_is_no_demos_has_no_such_link() -> None:
    """404, whatever the token."""
    with client_of(make_parts(), None) as client:
        own = {"origin": "http://127.0.0.1:8080"}
        assert client.get(f"/demo?token={TOKEN}").status_code == 404
        assert client.post("/demo", data={"token": TOKEN}, headers=own).status_code == 404


def test_a_console_with_users_of_its_own_takes_no_demo_link() -> None:
    """The option cannot open somebody's real console; a short token cannot open a demo."""
    identity = make_identity(roles=(Role.ADMIN,))
    link = demo_link(identity, Hands())
    with pytest.raises(UserExists, match="users of its own"):
        link.begin(TOKEN)
    assert identity.people.named(NAME) is None
    assert not link.is_right(TOKEN)
    with pytest.raises(LinkRefused, match="22"):
        demo_link(make_identity(roles=()), Hands()).begin("short")


@pytest.mark.parametrize(
    "settings",
    [
        ConsoleSettings(demo_link=True, host="192.0.2.1", trusted_proxies=("10.0.0.7",)),
        ConsoleSettings(demo_link=True, trusted_proxies=("127.0.0.1",)),
    ],
)
def test_the_demos_link_is_for_loopback_alone(settings: ConsoleSettings) -> None:
    """Behind a proxy everybody seems near."""
    with pytest.raises(SettingsError, match="--demo-link"):
        check_settings(settings)
