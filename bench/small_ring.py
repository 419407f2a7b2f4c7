"""A publisher whose memory can be made so short that it must read the stream to repair a gap.

`python -m bench.small_ring --port 5555 --prefix bench: --ring 1000`; the server's address stands
in MDHUB_REDIS_URL.
"""

from __future__ import annotations

import argparse

from mdhub.runtime.garbage import Garbage
from mdhub.runtime.logging import service_logger
from mdhub.runtime.service import begin, redis_url
from mdhub.streams.open import open_log
from mdhub_publisher.fanout import Fanout, FanoutSettings
from mdhub_publisher.ring import Ring


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--ring", type=int, required=True)
    options = parser.parse_args()
    url, stop = redis_url(), begin()
    fanout = Fanout(
        FanoutSettings(publisher_id="bench", port=options.port),
        lambda: open_log(url, service="publisher", prefix=options.prefix, timeout_s=0.15),
        logger=service_logger("publisher", "bench"),
        idle=Garbage().idle,
    )
    fanout.shards[0].ring = Ring(max_entries=options.ring)
    fanout.run(stop.is_set)


if __name__ == "__main__":
    main()
