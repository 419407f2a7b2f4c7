"""The peer vnpy: its RPC server and client, TickData as it is pickled by them, one ZeroMQ hop.

`python -m bench.vnpy_rpc publish|client ...`, run by the interpreter of .venv-bench.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from vnpy.rpc import RpcClient, RpcServer
from vnpy.trader.constant import Exchange
from vnpy.trader.object import TickData

from bench.load import paced
from bench.recorder import Recorder
from mdhub.market.snapshot import Snapshot
from mdhub.runtime.service import begin
from mdhub.wire.ticks import CHINA_TIME, Level

LEVELS = range(1, 6)


def main() -> None:
    """Be the publisher or the subscriber."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["publish", "client"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--start-ns", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("samples"))
    options = parser.parse_args()
    if options.role == "publish":
        _publish(options)
    else:
        _follow(options)


def _publish(options: argparse.Namespace) -> None:
    stop = begin()
    server = RpcServer()
    server.start(_address(options.port + 1), _address(options.port))
    for snapshot in paced(options.rate, options.seconds, options.start_ns, stop):
        tick = _tick(snapshot)
        tick.extra = {"sent_ns": time.time_ns()}
        server.publish("", tick)
    time.sleep(0.5)
    server.stop()
    server.join()


def _follow(options: argparse.Namespace) -> None:
    recorder = Recorder(options.out)

    class Client(RpcClient):  # type: ignore[misc] # vnpy is not there where types are checked
        def callback(self, topic: str, data: TickData) -> None:
            del topic
            recorder.note(data.extra["sent_ns"], time.time_ns(), 0, 0, 0)

    client = Client()
    client.subscribe_topic("")
    client.start(_address(options.port + 1), _address(options.port))
    recorder.ready()
    recorder.ended.wait()
    recorder.write()
    os._exit(0)  # its thread looks for a stop every 30 s


def _address(port: int) -> str:
    return f"tcp://127.0.0.1:{port}"


def _tick(snapshot: Snapshot) -> TickData:
    """A tick as vnpy's CTP gateway makes it."""
    s = snapshot
    moment = datetime.fromtimestamp(s.exchange_ns / 1e9, UTC).astimezone(CHINA_TIME)
    tick = TickData(
        gateway_name="CTP", symbol=s.symbol, exchange=Exchange(s.true_exchange), datetime=moment,
        name=s.symbol, volume=s.volume, turnover=s.turnover, open_interest=s.open_interest,
        last_price=s.last, limit_up=s.limit_up, limit_down=s.limit_down, open_price=s.open,
        high_price=s.high, low_price=s.low, pre_close=s.pre_close, localtime=datetime.now(UTC),
    )  # fmt: skip
    _book(tick, "bid", s.bids)
    _book(tick, "ask", s.asks)
    return tick


def _book(tick: TickData, side: str, levels: list[Level]) -> None:
    for number, (price, volume) in zip(LEVELS, levels, strict=False):
        setattr(tick, f"{side}_price_{number}", price)
        setattr(tick, f"{side}_volume_{number}", volume)


if __name__ == "__main__":
    main()
