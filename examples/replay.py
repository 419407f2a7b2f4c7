"""Read the clean log from a time on, then live, with redis and msgpack alone (see docs/wire.md).

    python examples/replay.py [redis://127.0.0.1:6379] [seconds ago, or HH:MM] [how many ticks]

Prints `n symbol ts_ns last volume`, as follow.py does. It reads shard 0: a hub that was set up
with more has further streams, `{s1}` and so on.
"""

import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

import msgpack
import redis

China = timezone(timedelta(hours=8))


def began_s(text: str) -> float:
    """`60` -> a minute ago; `21:00` -> that time today, in China."""
    if ":" not in text:
        return time.time() - float(text)
    hour, minute = map(int, text.split(":"))
    return datetime.now(China).replace(hour=hour, minute=minute, second=0).timestamp()


def entries(url: str, since_s: float) -> Iterator[dict[bytes, bytes]]:
    """Yield what the log has from then on, and what comes. An id begins with its milliseconds."""
    server = redis.Redis.from_url(url, protocol=2)
    cursor = b"%d-0" % int(since_s * 1000)
    while True:
        reply: Any = server.xread({"mdhub:{s0}:clean": cursor}, count=1000, block=1000)
        for entry_id, fields in reply[0][1] if reply else ():
            cursor = entry_id
            yield fields


signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
args = dict(enumerate(sys.argv))
try:
    log = entries(args.get(1, "redis://127.0.0.1:6379"), began_s(args.get(2, "60")))
    ticks = ((msgpack.unpackb(e[b"h"]), msgpack.unpackb(e[b"t"])) for e in log if b"t" in e)
    for header, tick in islice(ticks, int(args[3]) if 3 in args else None):
        print(header[1], tick[1], tick[4], tick[8], tick[9], flush=True)
except (ValueError, redis.RedisError) as error:
    sys.exit(f"usage: replay.py [redis://host:port] [seconds ago, or HH:MM] [how many]; {error}")
