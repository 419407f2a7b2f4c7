"""Pages of contracts and the replay: found, followed while somebody looks, left alone after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from mdhub.runtime.clock import Clock
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import RAW
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.live.service import Live
from mdhub_console.live.tape import Tape
from mdhub_console.live.tapes import LEASE_S, MOST, Tapes, TooManyContracts
from tests.support.console import Console, client_of, make_parts
from tests.support.console_market import Market, clean_of, scene, tick_of
from tests.support.console_scene import fine, live_of
from tests.support.console_server import Reader, served
from tests.support.wait import until

PAGES = (
    "/instruments", "/instruments/rows", "/instruments/rb2701.SHFE",
    "/instruments/rb2701.SHFE/live",
    "/instruments/IF2703.CFFEX", "/replay", "/replay?contract=rb2701.SHFE",
)  # fmt: skip


@pytest.fixture(scope="module")
def market() -> Market:
    return scene(contracts=400, seconds=20)


@pytest.fixture
def client(market: Market) -> Iterator[Console]:
    parts = make_parts(market.server, live=live_of(fine(), market.server))
    with client_of(parts, Role.VIEWER) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
def test_every_page_speaks_both_languages_within_the_policy(client: Console, path: str) -> None:
    """The switch decides; no inline script, style or handler."""
    for language, word in (("en", "Instruments"), ("zh", "合约")):
        client.cookies.set("mdhub-language", language)
        answer = client.get(path)
        assert answer.status_code == 200
        if "/live" not in path and "/rows" not in path:
            assert word in answer.text
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", answer.text) == []


def test_a_search_finds_pages_and_remembers_its_address(client: Console) -> None:
    """Fifty rows a page; the address in the bar says what is shown."""
    page = client.get("/instruments").text
    assert page.count('<tr id="c-') == 50
    assert "400 of 400 contracts" in page
    found = client.get("/instruments/rows", params={"text": "RB27", "exchange": "SHFE"})
    assert found.text.count('<tr id="c-rb27') == 12
    assert found.headers["hx-replace-url"] == "/instruments?text=RB27&exchange=SHFE"
    assert "No contract fits" in client.get("/instruments/rows", params={"text": "zzz"}).text


def test_rows_stay_where_they_are_when_they_are_shown_anew(client: Console) -> None:
    """What changes every few seconds never moves a row under the pointer."""
    held = client.get(
        "/instruments/rows", params={"sort": "volume", "held": "rb2705,au2701,gone"}
    ).text
    assert re.findall(r'<tr id="c-([^"]+)', held) == ["rb2705", "au2701"]


def test_an_empty_hub_says_what_to_do() -> None:
    """No contracts, no ticks: sentences, no errors."""
    with client_of(make_parts(live=live_of(None)), Role.VIEWER) as client:
        assert "knows no contract yet" in client.get("/instruments").text
        assert client.get("/instruments/rb2701").status_code == 404


def test_one_contract_shows_its_sources_with_verdicts(client: Console) -> None:
    """Side by side, the clean one first; the odd value is marked; refusals have reasons."""
    text = client.get("/instruments/rb2701.SHFE").text
    assert [s for s in ("CTP-A", "CTP-B", "SOPT-1") if f"/sources/{s}" not in text] == []
    for words in ("accepted", "duplicate", "conflict", "single source"):
        assert words in text


def test_a_quiet_contract_is_shown_as_the_table_knows_it(client: Console) -> None:
    """It is known, so it is no error that nobody has sent a tick."""
    text = client.get("/instruments/IF2703.CFFEX").text
    assert "No source has sent a tick" in text
    assert "quality not known" in text
    assert client.get("/instruments/IF2703.DCE").status_code == 404


def test_colours_of_prices_are_kept_in_a_cookie(client: Console) -> None:
    """The server paints them at once; nonsense means the Chinese way."""
    assert "data-prices=" not in client.get("/instruments").text.partition(">\n<head")[0]
    client.cookies.set("mdhub-prices", "west")
    assert '<html lang="en" data-prices="west"' in client.get("/instruments").text


class Hub:
    """A log that a test writes to while a console follows it; its clock is set by hand."""

    def __init__(self) -> None:
        self.market = Market(1_800_000_000_000_000_000)
        self.monotonic_s = 0.0
        clock = Clock(monotonic_ns=lambda: int(self.monotonic_s * 1e9))
        server = self.market.server
        self.live = Live(self._log, logger=structlog.get_logger(), clock=clock)
        self.parts = make_parts(server, live=self.live)
        self.step = 0
        self.tick()

    def tick(self) -> None:
        self.market.now_ns += 1_000_000
        tick = tick_of("A", self.step, self.market.now_ns)
        self.market.accept(self.market.raw(tick), clean_of(tick))
        self.step += 1

    def deserted(self) -> bool:
        """Whether no tab is left; that one has gone is found when it is sent something."""
        self.tick()
        return not self.live.streams.tabs

    def _log(self) -> Any:
        return self.market.server.log("console")


def test_a_contract_is_followed_while_a_tab_is_open() -> None:
    """The stream says that there is something new; prices come behind the ones one has."""
    hub = Hub()
    member = hub.parts.identity.people.named("viewer")
    assert member is not None
    cookies = {PLAIN: hub.parts.identity.open_session(member.user)}
    with served(hub.parts) as console:
        address = f"http://127.0.0.1:{console.port}/api/instruments/rb2701.SHFE/prices"
        with httpx.Client(cookies=cookies) as browser:
            first = browser.get(address).json()["dots"]
            page = Reader(console.open("topics=instrument:rb2701.SHFE"))
            assert page.status() == 200
            before = page.next("instrument")["version"]
            hub.tick()
            until(lambda: page.next("instrument")["version"] > before, "news of the contract")
            more = browser.get(address, params={"after": first[-1]["id"]}).json()["dots"]
        assert [dot["last"] for dot in first + more] == [tick_of("A", n, 1).last for n in (0, 1)]
        hub.monotonic_s += 2 * LEASE_S
        assert hub.live.counters()["contracts_followed"] == 1
        page.close()
        until(hub.deserted, "the tab to go")
        hub.monotonic_s += 2 * LEASE_S
        until(lambda: hub.live.counters()["contracts_followed"] == 0, "the contract to be left")


def test_what_comes_too_fast_is_passed_over_and_said() -> None:
    """A tape is never far behind: of a flood it reads the newest."""
    market = Market()
    first = tick_of("A", 0, market.now_ns)
    market.accept(market.raw(first), clean_of(first))
    tapes = Tapes(lambda: market.server.log("console"), logger=structlog.get_logger())
    tape = tapes.tape("rb2701", lambda: _at(market))
    other = tick_of("A", 0, market.now_ns, symbol="cu2701")
    for _ in range(4_100):
        market.raw(other)
    last = tick_of("A", 9, market.now_ns)
    market.accept(market.raw(last), clean_of(last))
    tapes.start()
    try:
        until(lambda: tape.skipped == 1, "the tape to say so")
        until(lambda: tape.look().clean is not None, "the newest tick")
    finally:
        tapes.stop()


def _at(market: Market) -> Tape:
    tape = Tape("rb2701", "", 0)
    tape.begin(market.server.log("console").entries(RAW)[0][0])
    return tape


def test_no_more_contracts_are_followed_than_is_bearable() -> None:
    """One more is refused, and told so."""
    tapes = Tapes(lambda: MemoryServer().log("console"), logger=structlog.get_logger())
    for number in range(MOST):
        tapes.tape(f"a{number}", lambda: Tape("a", "", 0))
    with pytest.raises(TooManyContracts, match="close pages"):
        tapes.tape("b", lambda: Tape("b", "", 0))
    assert tapes.counters() == {"contracts_followed": MOST, "contracts_refused": 1}


@pytest.mark.parametrize("topics", ["instrument:", "instrument:a,instrument:b", "instrument:a<b"])
def test_a_stream_takes_one_contract_that_can_be_one(client: Console, topics: str) -> None:
    """Anything else is a typed error."""
    answer = client.get("/events", params={"topics": topics})
    assert answer.status_code == 400
    assert answer.json()["type"] == "mdhub:bad-parameter"
