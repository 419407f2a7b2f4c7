"""Products of the synthetic market: real names, ticks and multipliers, made-up price levels."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "ETF_TERMS",
    "MAIN_FUTURES",
    "MAIN_OPTIONS",
    "OPTION_UNDERLYINGS",
    "OTHER_FUTURES",
    "Terms",
]


class Terms(NamedTuple):
    """What every contract of a product has in common."""

    name: str
    price: float
    tick: float
    multiplier: int
    band: float = 0.08
    """Daily limit as a share of the previous settlement."""


MAIN_FUTURES: Final = (
    Terms("rb", 3140, 1, 10),
    Terms("m", 3020, 1, 10),
    Terms("TA", 4700, 2, 5),
    Terms("IF", 4560, 0.2, 300, 0.1),
    Terms("sc", 452, 0.1, 1000),
    Terms("lc", 92_000, 20, 1),
    Terms("ag", 12_100, 1, 15),
    Terms("i", 786, 0.5, 100, 0.09),
    Terms("MA", 2080, 1, 10),
    Terms("T", 108.45, 0.005, 10_000, 0.02),
    Terms("si", 9040, 5, 5),
    Terms("au", 936, 0.02, 1000),
    Terms("p", 8640, 2, 10),
    Terms("SR", 5380, 1, 10),
    Terms("IH", 3010, 0.2, 300, 0.1),
    Terms("cu", 86_400, 10, 5),
    Terms("jm", 1120, 0.5, 60),
    Terms("FG", 1040, 1, 20),
    Terms("lu", 3160, 1, 10),
    Terms("al", 21_600, 5, 5),
    Terms("y", 8220, 2, 10),
    Terms("SA", 1180, 1, 20),
    Terms("IM", 7320, 0.2, 200, 0.1),
    Terms("ru", 15_300, 5, 10),
    Terms("v", 4560, 1, 5),
    Terms("CF", 13_500, 5, 5),
    Terms("ps", 52_400, 5, 3),
    Terms("hc", 3290, 1, 10),
    Terms("c", 2180, 1, 10),
    Terms("RM", 2440, 1, 10),
    Terms("bu", 3040, 1, 10),
    Terms("eg", 3900, 1, 10),
)
"""The liquid ones, from the most liquid on."""

OTHER_FUTURES: Final = (
    Terms("IC", 7050, 0.2, 200, 0.1),
    Terms("TF", 105.9, 0.005, 10_000, 0.012),
    Terms("TS", 102.4, 0.002, 20_000, 0.005),
    Terms("TL", 115.2, 0.01, 10_000, 0.035),
    Terms("zn", 22_400, 5, 5),
    Terms("pb", 17_100, 5, 5),
    Terms("ni", 120_300, 10, 1),
    Terms("sn", 292_000, 10, 1),
    Terms("ss", 12_500, 5, 5),
    Terms("ao", 2770, 1, 20),
    Terms("ad", 20_600, 5, 10),
    Terms("fu", 2560, 1, 10),
    Terms("sp", 5210, 2, 10),
    Terms("br", 10_400, 5, 5),
    Terms("wr", 3420, 1, 10),
    Terms("op", 4050, 2, 40),
    Terms("nr", 12_300, 5, 10),
    Terms("bc", 76_800, 10, 5),
    Terms("ec", 1620, 0.1, 50, 0.15),
    Terms("a", 4110, 1, 10),
    Terms("b", 3680, 1, 10),
    Terms("cs", 2490, 1, 10),
    Terms("rr", 3310, 1, 10),
    Terms("l", 6790, 1, 5),
    Terms("pp", 6440, 1, 5),
    Terms("eb", 6480, 1, 5),
    Terms("pg", 4310, 1, 20),
    Terms("j", 1640, 0.5, 100),
    Terms("bz", 5480, 1, 30),
    Terms("jd", 3230, 1, 10),
    Terms("lh", 11_700, 5, 16),
    Terms("lg", 780, 0.5, 90),
    Terms("OI", 9820, 1, 10),
    Terms("CY", 19_900, 5, 5),
    Terms("PF", 6280, 2, 5),
    Terms("PX", 6820, 2, 5),
    Terms("SH", 2320, 1, 30),
    Terms("PR", 5750, 2, 15),
    Terms("PL", 5890, 1, 20),
    Terms("AP", 9480, 1, 10),
    Terms("CJ", 9120, 5, 5),
    Terms("PK", 7960, 2, 5),
    Terms("UR", 1660, 1, 20),
    Terms("SF", 5480, 2, 5),
    Terms("SM", 5740, 2, 5),
    Terms("pt", 405, 0.05, 1000),
    Terms("pd", 362, 0.05, 1000),
)

MAIN_OPTIONS: Final = ("SSE", "SZSE", "cu", "m", "SR", "IO")
"""Underlyings by product, index options by their own; one chain for each of the ETF exchanges."""

_OTHER_UNDERLYINGS: Final = (
    "MO HO au ag al zn rb ru ni sn pb ao br sc i p y c v pp l eg eb pg a b jd cs "
    "TA MA CF RM OI SA FG PX SH PF PK UR AP SM SF si lc ps"
)
OPTION_UNDERLYINGS: Final = (
    *MAIN_OPTIONS,
    *_OTHER_UNDERLYINGS.split(),
)

ETF_TERMS: Final = {
    "SSE": Terms("", 0.1520, 0.0001, 10_000, 0.4),
    "SZSE": Terms("", 0.1180, 0.0001, 10_000, 0.4),
}
