"""Canaries that an account must deliver, each against its own limit of silence."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from mdhub.wire.ops import Severity
from mdhub_monitor.facts import Contract
from mdhub_monitor.rules.canaries import HUB, canary_limit_ns, stated_ns
from mdhub_monitor.rules.problem import Problem
from mdhub_monitor.rules.sources import Standing
from mdhub_monitor.rules.view import View

__all__ = ["asked_problems"]

MS_NS = 1_000_000


def asked_problems(
    view: View,
    standings: Mapping[str, Standing],
    silent: Container[str],
    recovering: Container[str],
) -> Iterator[Problem]:
    """One finding for each source and contract; none where a larger one says it already.

    `standings`: of this look; who is in trouble, or behind on the contract, is told there. A source
    that was never heard, and one that has just come back, is not told here.
    """
    if HUB in silent:
        return
    for contract in view.canaries():
        names = view.facts.asked.sources.get(contract.name, ())
        if not names or contract.product.exchange in silent or _is_told(view, contract):
            continue
        for name in names:
            standing = standings.get(name)
            if standing is None or standing.trouble or name in recovering:
                continue
            age_ns, limit_ns = _age_ns(view, contract, name), _limit_ns(view, contract, name)
            if age_ns > limit_ns and contract.name not in standing.behind:
                facts = {"silent_ms": age_ns // MS_NS, "limit_ms": limit_ns // MS_NS}
                yield Problem("canary_silent", f"{name}/{contract.name}", Severity.WARNING, facts)


def _is_told(view: View, contract: Contract) -> bool:
    """Whether nobody delivers it: that is one finding, of the contract."""
    return view.age_ns(contract) > canary_limit_ns(view, contract)


def _age_ns(view: View, contract: Contract, source: str) -> int:
    feed = contract.feeds.get(source)
    if feed is None:
        return view.now_ns(contract) - view.since_ns(contract)
    return view.feed_age_ns(contract, feed)


def _limit_ns(view: View, contract: Contract, source: str) -> int:
    own_ms = view.facts.asked.own_limits_ms.get((source, contract.name))
    return canary_limit_ns(view, contract) if own_ms is None else stated_ns(view, contract, own_ms)
