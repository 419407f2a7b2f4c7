"""Instruments as gateways list them, and what their first ticks say."""

from __future__ import annotations

from mdhub.market.products import exchange_of, product_of
from mdhub_ingest.gateways.port import First, Instrument

EXPIRY = 20261215


def future(symbol: str, expiry: int = EXPIRY, exchange: str | None = None) -> Instrument:
    """A future; exchange and product by its spelling."""
    return Instrument(
        symbol=symbol,
        exchange=exchange_of(symbol) or "" if exchange is None else exchange,
        product=product_of(symbol) or "",
        product_class="1",
        expiry=expiry,
    )


def option(
    symbol: str, strike: float, *, call: bool = True, underlying: str = "", expiry: int = EXPIRY
) -> Instrument:
    """An option; the product is called as SHFE calls it."""
    return Instrument(
        symbol=symbol,
        exchange=exchange_of(symbol) or "",
        product=f"{product_of(symbol)}_o",
        product_class="2",
        expiry=expiry,
        underlying=underlying,
        strike=strike,
        call=call,
    )


def chain(
    month: str, strikes: list[int], *, underlying: str = "", expiry: int = EXPIRY
) -> list[Instrument]:
    """Calls and puts of one month of index options, such as IO2612."""
    return [
        option(
            f"{month}-{side}-{strike}",
            strike,
            call=side == "C",
            underlying=underlying,
            expiry=expiry,
        )
        for strike in strikes
        for side in "CP"
    ]


def first(
    symbol: str,
    interest: float | None = None,
    last: float | None = None,
    settlement: float | None = None,
) -> First:
    """What the first tick of an instrument says."""
    return First(symbol, interest, last, settlement)


RB = future("rb2610", 20261015)
RB_NEXT = future("rb2701", 20270115)
AU = future("au2612", 20261215)
SR = future("SR611", 20261113)
CU_CALL = option("cu2612C80000", 80_000, underlying="cu2612", expiry=20261124)
SPREAD = Instrument(symbol="SP a2611&a2701", exchange="DCE", product_class="3")
ETF_CALL = Instrument(
    symbol="10007777", exchange="SSE", product="ETF_O", product_class="6",
    underlying="510300", strike=4.1, call=True, expiry=20261223,
)  # fmt: skip
MIXED = [RB, RB_NEXT, AU, SR, CU_CALL, SPREAD, ETF_CALL]
