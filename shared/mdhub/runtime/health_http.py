"""One small HTTP server: /metrics as Prometheus reads it, /healthz, /readyz.

One thread, one request at a time, 2 s patience with a client that says nothing. Metrics come from
numbers that exist already (`mdhub.runtime.metrics`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar, Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from mdhub.metrics.histogram import SECOND_NS, Histogram
from mdhub.metrics.names import BY_NAME, Metric
from mdhub.metrics.sample import Sample
from mdhub.runtime.metrics import Address, Board
from mdhub.runtime.threads import name_thread

__all__ = ["HealthServer", "exposition"]

PATIENCE_S: Final = 2.0
_PLAIN: Final = "text/plain; charset=utf-8"

_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Samples = Callable[[], Iterable[Sample]]


class _Samples(Collector):
    """Asks for samples at each scrape and sorts them into families."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> Iterator[_Family]:
        families: dict[str, _Family] = {}
        for name, labels, value in self._samples():
            family = families.get(name) or families.setdefault(name, _family(BY_NAME[name]))
            if isinstance(family, HistogramMetricFamily):
                if isinstance(value, Histogram):
                    family.add_metric(labels, value.buckets(), value.sum_ns / SECOND_NS)
            elif not isinstance(value, Histogram):
                family.add_metric(labels, float(value))
        yield from families.values()


def _family(metric: Metric) -> _Family:
    kinds: dict[str, type[_Family]] = {
        "counter": CounterMetricFamily, "gauge": GaugeMetricFamily,
        "histogram": HistogramMetricFamily,
    }  # fmt: skip
    return kinds[metric.kind](metric.name, metric.words, labels=metric.labels)


def exposition(samples: Samples, *, process: bool = False) -> bytes:
    """Render as Prometheus reads it; `process` adds memory, CPU and files of this process."""
    registry = CollectorRegistry()
    registry.register(_Samples(samples))
    if process:
        ProcessCollector(registry=registry)
    return generate_latest(registry)


class HealthServer:
    """Listens at once (raises OSError if it cannot), answers until closed."""

    def __init__(self, address: Address, board: Board, more: Samples) -> None:
        handler = partial(_Handler, board, more)
        self._server = _Server((address.host, address.port), handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self) -> None:
        name_thread("metrics")
        self._server.serve_forever(poll_interval=0.1)


class _Server(HTTPServer):
    request_queue_size = 16

    def handle_error(self, *_: object) -> None:
        """A client that went away is nobody's business."""


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_S
    server_version = "mdhub"
    sys_version = ""
    _health: ClassVar = {"/healthz": Board.not_alive, "/readyz": Board.not_ready}

    def __init__(self, board: Board, more: Samples, *request: object) -> None:
        self._board = board
        self._more = more
        super().__init__(*request)  # type: ignore[arg-type] # what the server hands on

    def do_GET(self) -> None:
        """Answer; the name is that of http.server."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, exposition(self._all, process=True))
        elif path in self._health:
            reason = self._health[path](self._board)
            status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
            self._answer(status, _PLAIN, f"{self._board.member}: {reason or 'ok'}\n".encode())
        else:
            words = "expected /metrics, /healthz or /readyz\n"
            self._answer(HTTPStatus.NOT_FOUND, _PLAIN, words.encode())

    def log_message(self, *_: object) -> None:
        """Scrapes are no news."""

    def _all(self) -> Iterator[Sample]:
        yield from self._board.samples()
        yield from self._more()

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
