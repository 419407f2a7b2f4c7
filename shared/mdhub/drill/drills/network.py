"""Rows N: the network between services and server, and between publishers and clients."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final

from mdhub.drill.evidence import Evidence
from mdhub.drill.gears import CABLE, Proxied, Pulled, worn
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.receipts import read_receipts
from mdhub.drill.repair import caught_up_s
from mdhub.drill.rig import Rig

__all__ = ["DRILLS"]

LOSE_SHARE: Final = 0.02
LOSE_S: Final = 4.0
DELAY_S: Final = 0.05
DELAYED_S: Final = 2.0
CUTS: Final = 2
DOWN_S: Final = 3.0
LONG_DOWN_S: Final = 30.0
DETECTED_S: Final = 2.0
REPAIRED_S: Final = 1.0
NETWORK: Final = "network"


def _bad_network(rig: Rig, random: Random) -> None:
    proxy = worn(rig, Proxied).proxy
    rig.fault(f"{LOSE_SHARE:.0%} of the replies are lost after execution")
    proxy.tell(replies={"lose_share": LOSE_SHARE})
    rig.wait(rig.options.seconds or LOSE_S)
    lost = proxy.tell(replies={"lose_share": 0.0})["lost"]
    rig.wait_live()
    rig.fault(f"replies come {DELAY_S * 1000:.0f} ms later")
    proxy.tell(replies={"delay_s": DELAY_S})
    rig.wait(DELAYED_S)
    proxy.tell(replies={"delay_s": 0.0})
    rig.wait_live()
    for _ in range(CUTS):
        rig.wait(random.uniform(0.05, 0.35))
        rig.fault("all connections to the server are cut")
        proxy.tell(cut=True)
        rig.wait(0.5)
        rig.wait_live()
    rig.figures["replies_lost"] = lost
    rig.claim(f"replies lost on purpose {lost}, expected some", held=lost > 0)


def _pull_cable(rig: Rig, random: Random) -> None:
    cable = worn(rig, Pulled).cable
    down_s = LONG_DOWN_S if rig.options.long else DOWN_S
    rig.wait(random.uniform(0.05, 0.35))
    rig.fault(f"link between publishers and client down for {down_s:g} s")
    rig.figures["pulled_ns"] = time.monotonic_ns()
    cable.pull()
    rig.wait(down_s)
    rig.figures["plugged_ns"] = time.monotonic_ns()
    cable.plug()
    rig.wait(0.3)
    rig.wait_live()
    rig.wait(1.0)


def _notices(evidence: Evidence, told: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for receipt in read_receipts(evidence.clients["client"]):
        if not receipt.is_tick and (notice := receipt.notice())["told"] == told:
            yield receipt.at_ns, notice


def _link(evidence: Evidence) -> Iterable[Claim]:
    figures = evidence.figures
    pulled_ns, plugged_ns = figures["pulled_ns"], figures["plugged_ns"]
    stalls = [at_ns for at_ns, told in _notices(evidence, "stall") if told["stalled"]]
    noticed_s = min(((at - pulled_ns) / 1e9 for at in stalls if at > pulled_ns), default=None)
    repaired_s = caught_up_s(evidence.clients["client"], plugged_ns)
    causes = sorted({told["cause"] for at, told in _notices(evidence, "gap") if at > pulled_ns})
    figures |= {"noticed_s": noticed_s, "repaired_s": repaired_s, "causes": causes}
    yield _within("client told that nothing comes", noticed_s, DETECTED_S)
    yield _within("client follows live again after link-up", repaired_s, REPAIRED_S)
    shown = ", ".join(causes) or "none"
    yield Claim(f"cause told {shown}, expected {NETWORK} alone", set(causes) <= {NETWORK})


def _within(words: str, found_s: float | None, most_s: float) -> Claim:
    shown = "never" if found_s is None else f"after {found_s:.2f} s"
    return Claim(
        f"{words} {shown}, at most {most_s:g} s", found_s is not None and found_s <= most_s
    )


DRILLS: Final = [
    Drill(
        id="N1",
        title="bad network to the server",
        fault="a proxy loses 2 % of the replies after execution, then +50 ms, then cuts twice",
        criterion="common; nothing doubled by a retry",
        run=_bad_network,
        gear=Proxied,
        smoke=True,
    ),
    Drill(
        id="N2",
        title="link to the client down",
        fault="link between publishers and client down for 3 s (--long: 30 s)",
        criterion="noticed <= 2 s, live again <= 1 s after link-up, cause told: network",
        run=_pull_cable,
        gear=Pulled,
        needs=(CABLE,),
        layout=Layout(publishers=2),
        check=_link,
    ),
]
