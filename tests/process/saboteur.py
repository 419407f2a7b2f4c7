"""Run by every Python of the demo at its start: makes the publisher lose one tick.

Not only the live message: the entry never reaches ring or stream reader, as if it had never been
read. Only something that knows what the market made can notice.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

LOST_TICK = 400


class _Sabotage(importlib.abc.MetaPathFinder):
    """Patches `mdhub_publisher.fanout` right after it was loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "mdhub_publisher.fanout":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            _lose_one_tick(module.Fanout)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _lose_one_tick(fanout: Any) -> None:
    publish = fanout._publish
    seen = 0

    def publish_all_but_one(self: Any, shard: Any, entries: list[Any]) -> None:
        nonlocal seen
        kept: list[Any] = []
        for entry in entries:
            seen += 1
            if seen == LOST_TICK:
                publish(self, shard, kept)
                kept = []
                shard.n += 1  # nor does the numbering show it
                shard.sent_n += 1
                continue
            kept.append(entry)
        publish(self, shard, kept)

    fanout._publish = publish_all_but_one


if "mdhub_publisher" in sys.orig_argv:
    sys.meta_path.insert(0, _Sabotage())
