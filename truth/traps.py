"""False-positive traps: rare but true rows that must pass (domain.md section 6).

One function per trap: it writes what leads to the trap, then the trap's rows under its name.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from truth.scripted import CONTRACTS, DBL_MAX, Script, in_turn, script_day, stream_from
from truth.stream import SECOND_NS, Contract, Stream

__all__ = ["TRAPS", "traps"]

_NIGHT: Final = frozenset({"SHFE", "INE", "DCE", "CZCE"})


def limit_locked(script: Script, tag: str) -> None:
    """At limit-up nobody sells: ask DBL_MAX with size 0, last at the limit."""
    script.walk(20)
    script.price = 1_100
    script.over = {"BidPrice1": script.text(1_100), "AskPrice1": DBL_MAX, "AskVolume1": "0"}
    for number in range(30):
        script.trade(script.rng.randrange(3) if number else 9, tag=tag)


def limit_locked_down(script: Script, tag: str) -> None:
    """At limit-down nobody buys; CZCE says so by 0."""
    script.walk(20)
    script.price = 900
    nothing = "0" if script.contract.exchange == "CZCE" else DBL_MAX
    script.over = {"AskPrice1": script.text(900), "BidPrice1": nothing, "BidVolume1": "0"}
    for number in range(30):
        script.trade(script.rng.randrange(3) if number else 9, tag=tag)


def nothing_traded(script: Script, tag: str) -> None:
    """Quotes of a contract nobody has traded today: volume 0, last as yesterday or no value."""
    for number in range(30):
        script.over = {"LastPrice": DBL_MAX} if number % 2 else {}
        script.trade(0, tag=tag)


def open_at_the_limit(script: Script, tag: str) -> None:
    """A gap at the open, up to the limit."""
    script.at("08:59:00" if script.contract.exchange != "CFFEX" else "09:29:00")
    script.price = script.rng.choice((1_100, 900))
    script.trade(50, tag=tag)
    script.at("09:30:00").trade(5, tag=tag)


def wide_jump(script: Script, tag: str) -> None:
    """46 price ticks between two snapshots, with volume (seen in IF)."""
    script.walk(20)
    for _ in range(20):
        script.price += 46 if script.price <= 1_000 else -46
        script.trade(30, tag=tag)


def heartbeat(script: Script, tag: str) -> None:
    """The same body at a new time."""
    script.walk(20)
    book = {"BidVolume1": "7", "AskVolume1": "9"}
    script.over = book
    for _ in range(30):
        script.trade(0, tag=tag)
        script.at_ns += 500_000_000


def auction_then_silence(script: Script, tag: str) -> None:
    """The auction's row a minute before the open, 60 s of nothing, the open."""
    script.at("08:59:00" if script.contract.exchange != "CFFEX" else "09:29:00")
    script.trade(50, tag=tag)
    script.at("09:00:00" if script.contract.exchange != "CFFEX" else "09:30:00")
    script.walk(10, tag=tag)


def several_a_second(script: Script, tag: str) -> None:
    """CZCE: up to four rows with one time, some with the same volume."""
    if script.contract.exchange != "CZCE":
        return
    script.walk(20)
    second_ns = script.at_ns
    for number in range(60):
        script.at_ns = second_ns + number // 4 * 10**9 + number % 4 * 250_000_000
        script.trade(2 * (number % 4 != 2), tag=tag)


def turnover_falls(script: Script, tag: str) -> None:
    """CZCE: turnover comes from a rounded average and falls while volume rises."""
    if script.contract.exchange != "CZCE":
        return
    script.walk(20)
    for number in range(30):
        average = 2_000 - number
        script.over = {
            "AveragePrice": str(average), "Turnover": str(average * (script.volume + 1)),
        }  # fmt: skip
        script.trade(1, tag=tag)


def bell(script: Script, tag: str) -> None:
    """One row just after the bell, 11:30:00.2 or 15:00:00.4."""
    noon, after = (
        ("11:29:50", "11:30:00") if script.rng.random() < 0.5 else ("14:59:50", "15:00:00")
    )
    script.at(noon).walk(18)
    script.phase_ms = 200 if after == "11:30:00" else 400
    script.at(after).trade(2, tag=tag)


def settlement(script: Script, tag: str) -> None:
    """After the close only the settlement price is new."""
    script.at("14:59:50" if script.contract.symbol != "T2703" else "15:14:50").walk(18)
    script.over = {"BidVolume1": "7", "AskVolume1": "9"}
    script.trade(0)
    at_ns = script.at_ns
    for minute in (27, 31, 35, 44):
        script.at(f"15:{minute}:00")
        script.over |= {
            "SettlementPrice": script.text(999),
            "ClosePrice": script.text(script.price),
        }
        script.trade(0, tag=tag, role="closing")
    assert script.at_ns > at_ns  # noqa: S101 - a script that runs backwards proves nothing


def no_pre_close(script: Script, tag: str) -> None:
    """First rows of a new contract: there was no yesterday."""
    script.over = {"PreClosePrice": DBL_MAX, "PreOpenInterest": "0"}
    script.walk(20, tag=tag)


def new_day(script: Script, tag: str) -> None:
    """Volume begins anew: at the night's open for the next trading day, or in the morning."""
    script.at("14:59:50").walk(15)
    if script.contract.exchange in _NIGHT:
        script.at("21:00:00", day=script.next_day())
        script.at_ns -= 86_400 * SECOND_NS
    else:
        script.at("09:30:00", day=script.next_day())
    script.walk(10, tag=tag)


def phase(script: Script, tag: str) -> None:
    """CFFEX: ms .400 and .900, or any other pair 500 apart."""
    script.phase_ms = script.rng.choice((400, 200, 100))
    script.at("09:30:00").walk(30, tag=tag)


def empty_action_day(script: Script, tag: str) -> None:
    """Some fronts leave ActionDay empty."""
    script.over = {"ActionDay": ""}
    script.walk(30, tag=tag)


def quote_only_option(script: Script, tag: str) -> None:
    """An option with bid and ask and nothing else."""
    script.over = {"LastPrice": script.rng.choice((DBL_MAX, "0", "")), "OpenInterest": "0"}
    for _ in range(30):
        script.trade(0, tag=tag)


def deep_option(script: Script, tag: str) -> None:
    """A far option moves from 1 tick to 3: three times its price."""
    script.over = {"LowerLimitPrice": script.text(1), "PreSettlementPrice": script.text(1)}
    script.price = 2
    for _ in range(30):
        script.price = 3 if script.price < 3 else 1
        script.over |= {"BidPrice1": script.text(max(1, script.price - 1))}
        script.trade(2, tag=tag)


def spread_below_zero(script: Script, tag: str) -> None:
    """A combination's price may be zero or less; CZCE sends no last price and no volume."""
    script.price = 0
    script.over = dict.fromkeys(("UpperLimitPrice", "PreClosePrice"), script.text(60))
    script.over |= {"LowerLimitPrice": script.text(-60), "PreSettlementPrice": "0"}
    is_czce = script.contract.exchange == "CZCE"
    for _ in range(30):
        script.price = script.rng.randrange(-20, 3)
        if is_czce:
            script.over |= {"LastPrice": "0"}
        script.trade(0 if is_czce else 1, tag=tag)


_OPTIONS: Final = (
    Contract("rb2701C3200", "SHFE", "rb", 10, 0.5),
    Contract("m2701-C-3000", "DCE", "m", 10, 0.5),
    Contract("SR701C5600", "CZCE", "SR", 10, 0.5),
    Contract("IO2612-C-4000", "CFFEX", "IO", 100, 0.2),
    Contract("10008888", "SSE", "ETFO", 10000, 0.0001),
    Contract("90008888", "SZSE", "ETFO", 10000, 0.0001),
    Contract("si2701-C-9000", "GFEX", "si", 5, 0.5),
)
_SPREADS: Final = (
    Contract("SP m2701&m2705", "DCE", "m", 10, 1.0),
    Contract("SPD SR701&SR705", "CZCE", "SR", 10, 1.0),
)

TRAPS: Final[dict[str, tuple[Callable[[Script, str], None], tuple[Contract, ...]]]] = {
    "limit-up, one-sided book": (limit_locked, CONTRACTS),
    "limit-down, one-sided book": (limit_locked_down, CONTRACTS),
    "volume 0": (nothing_traded, CONTRACTS),
    "option with quotes only": (quote_only_option, _OPTIONS),
    "spread price below zero": (spread_below_zero, _SPREADS),
    "open at the limit": (open_at_the_limit, CONTRACTS),
    "jump of 46 ticks": (wide_jump, CONTRACTS),
    "deep option, 1 tick to 3": (deep_option, _OPTIONS),
    "same body, new time": (heartbeat, CONTRACTS),
    "auction, then 60 s of silence": (auction_then_silence, CONTRACTS),
    "several CZCE rows a second": (several_a_second, CONTRACTS),
    "CZCE turnover falls": (turnover_falls, CONTRACTS),
    "settlement after the close": (settlement, CONTRACTS),
    "row at the bell": (bell, CONTRACTS),
    "new contract, no PreClose": (no_pre_close, CONTRACTS),
    "new trading day, volume 0": (new_day, CONTRACTS),
    "ms phase": (phase, CONTRACTS),
    "ActionDay empty": (empty_action_day, CONTRACTS),
}


def traps(*, each: int, seed: int) -> Stream:
    """Return one stream with all traps, each on a day of its own."""
    return in_turn(
        "trap", [_trap(name, each, seed, script_day(number)) for number, name in enumerate(TRAPS)]
    )


def _trap(name: str, each: int, seed: int, day: str) -> Stream:
    """Write at least `each` rows of one trap, on all its contracts."""
    build, contracts = TRAPS[name]
    scripts: list[Script] = []
    rows = round_ = 0
    while rows < each and round_ < each:
        for contract in contracts:
            listed = _another_month(contract, round_)
            script = Script(listed, Random(f"{seed}/{name}/{listed.symbol}"), day)
            build(script, f"trap {name}")
            rows += sum(1 for fact in script.facts if fact.tag)
            if script.facts:
                scripts.append(script)
        round_ += 1
    return stream_from(name, scripts)


def _another_month(contract: Contract, number: int) -> Contract:
    """Return the contract again under another listed symbol: some months on, or the next code."""
    symbol = contract.symbol
    start = next(i for i, letter in enumerate(symbol) if letter.isdigit())
    rest = symbol[start:].lstrip("0123456789")
    digits = symbol[start : len(symbol) - len(rest)]
    code = int(digits) + number
    if len(digits) <= 4:
        years, month = divmod(int(digits) % 100 - 1 + number, 12)
        code = (int(digits) // 100 + years) * 100 + month + 1
    return contract._replace(symbol=f"{symbol[:start]}{code}{rest}")
