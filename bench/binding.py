"""A vnpy binding alone: dicts are made of ticks and given to a Python callback that does nothing.

`python -m bench.binding --gateway ctp --address tcp://... --folder FOLDER --out FILE`, with the
stand-in library. The front says when to begin and to end, in line with the ticks: OnRspError. Then
one more tick shows that ticks come through the callback.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

from mdhub.runtime.parent import die_with_parent
from mdhub_ingest.gateways.flow import enter
from mdhub_ingest.gateways.vendor_thread import keep_thread


def main() -> None:
    """Connect, measure between the two marks, write wall and CPU seconds, end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", choices=["ctp", "sopt"], required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--keep-thread", action="store_true", help="as the hub's child does")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent()
    enter(options.folder)  # before the import: vnpy makes its folder
    marks: list[tuple[float, float]] = []
    over = Event()
    # Only a subclass may have callbacks; they are looked up on the object.
    api: Any = type("Api", (import_module(f"vnpy_{options.gateway}.api").MdApi,), {})()

    def mark(*_: object) -> None:
        if options.keep_thread:
            keep_thread()
        marks.append((time.perf_counter(), time.process_time()))
        if len(marks) == 2:
            api.onRtnDepthMarketData = lambda _data: over.set()

    api.onRspError = mark
    api.onRtnDepthMarketData = _nothing
    production = (True,) if options.gateway == "ctp" else ()
    api.createFtdcMdApi(b".vntrader\\Md", *production)
    api.registerFront(options.address)
    api.init()
    over.wait()
    (wall_s, cpu_s), (wall_end_s, cpu_end_s) = marks
    part = options.out.with_suffix(".part")
    part.write_text(f"{wall_end_s - wall_s} {cpu_end_s - cpu_s}")
    part.rename(options.out)
    os._exit(0)  # the library's own end may hang


def _nothing(_data: dict[str, Any]) -> None:
    """Take a tick."""


if __name__ == "__main__":
    main()
