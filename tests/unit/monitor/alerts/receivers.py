"""Real servers on loopback that take alerts: HTTP as told, SMTP as it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from mdhub.host.ports import free_port_pair


class Web:
    """An HTTP server that answers each POST as `answers` says; `gate` holds answers back."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Any]] = []
        self.answer: tuple[int, Any] = (200, {"errcode": 0, "errmsg": "ok"})
        self.gate = threading.Event()
        self.gate.set()
        self.url = ""

    @property
    def texts(self) -> list[str]:
        return [json.dumps(body, ensure_ascii=False) for _, body in self.posts]

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@contextmanager
def web() -> Iterator[Web]:
    said = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            said.posts.append((self.path, body))
            said.gate.wait(20)
            status, answer = said.answer
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    said.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield said
    finally:
        said.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Mailbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - as aiosmtpd calls it
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@contextmanager
def smtp() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port_pair())
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()
