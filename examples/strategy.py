"""The smallest strategy on mdhub: `python examples/strategy.py [tcp://hub:5555 ...]`."""

import sys

import mdhub

with mdhub.connect(*sys.argv[1:] or ["tcp://127.0.0.1:5555"]) as hub:  # one or more publishers
    for tick in hub.ticks("rb*.SHFE", "IF*.CFFEX", start="snapshot"):
        best_bid = tick.bids[0] if tick.bids else None  # a side may be empty
        print(tick.vt_symbol, tick.ts, tick.last, best_bid, flush=True)
