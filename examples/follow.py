"""Follow the live feed with pyzmq and msgpack alone; docs/wire.md describes every byte.

    python examples/follow.py [tcp://127.0.0.1:5555] [how many ticks]

Prints `n symbol ts_ns last volume`. One instrument's entries, ticks and quality markers, are
numbered by k, so a hole in k is a loss; `replay` requests would fill it.
"""

import signal
import sys

import msgpack
import zmq

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
try:
    feed = zmq.Context().socket(zmq.SUB)
    feed.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555")
    left = int(sys.argv[2]) if len(sys.argv) > 2 else -1
except (ValueError, zmq.ZMQError) as error:
    sys.exit(f"usage: follow.py [tcp://host:port] [how many ticks]; {error}")
feed.subscribe(b"tick.")
feed.subscribe(b"quality.")
newest: dict[bytes, int] = {}
while left:
    topic, header, payload = feed.recv_multipart()
    kind, _, name = topic.partition(b".")
    n, k = msgpack.unpackb(header)[3:5]
    if k > newest.setdefault(name, k) + 1:
        print(f"{name.decode()} lost k {newest[name] + 1} to {k - 1}", file=sys.stderr)
    newest[name] = k
    if kind == b"tick":
        tick = msgpack.unpackb(payload)
        print(n, tick[1], tick[4], tick[8], tick[9], flush=True)
        left -= 1
