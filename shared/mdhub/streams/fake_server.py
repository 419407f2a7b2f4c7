"""fakeredis over TCP: what the demo falls back to where no server can be found or started.

`python -m mdhub.streams.fake_server --port 16379 --log FILE`. It runs our Lua functions, and adds
to fakeredis what that lacks and the log needs: `INFO`, `MEMORY USAGE`, and error replies of
functions as they are (fakeredis would put `ERR` before them and hang up). NOT durable, NOT for
timing: everything is in the memory of one slow process and gone with it.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler, Writer
from fakeredis._commands import command
from fakeredis._socket._fakesocket import FakeSocket
from redis.exceptions import ResponseError

from mdhub.streams.server import FAKE_WARNING

__all__ = ["main", "serve"]

_CODED: Final = re.compile(r"[A-Z]{3,} ")
_RUN_ID: Final = uuid4().hex
_INFO: Final = (
    f"# Server\r\nserver_name:fakeredis\r\nfakeredis_version:in memory\r\nrun_id:{_RUN_ID}\r\n"
    "# Memory\r\nused_memory:0\r\nmaxmemory:0\r\n"
)


class _Writer(Writer):
    """Writes an error code of a function as it is."""

    def dump(self, value: Any) -> None:
        text = str(value)
        if type(value) is ResponseError and _CODED.match(text):
            self.write(b"-%b\r\n" % text.encode())
            self.writer.flush()
        else:
            super().dump(value)


def _response_or_error(read: Callable[[], Any]) -> Any:
    """An error is a reply like others; fakeredis would close the connection after it."""
    try:
        return read()
    except ResponseError as error:
        return error


class _Handler(TCPFakeRequestHandler):
    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()
        self.writer = _Writer(self.client_address, self.wfile, self)
        client: Any = self.current_client
        client.read_response = partial(_response_or_error, client.read_response)


def _info(_socket: FakeSocket, *_sections: bytes) -> bytes:
    return _INFO.encode()


def _memory_usage(_socket: FakeSocket, _key: bytes) -> int:
    return 0


def _add_missing_commands() -> None:
    for name, function, fixed, repeat in (
        ("INFO", _info, (), (bytes,)),
        ("MEMORY USAGE", _memory_usage, (bytes,), ()),
    ):
        setattr(FakeSocket, function.__name__, command(fixed, repeat, name=name)(function))


def serve(port: int) -> None:
    """Serve on loopback until the process is ended. Raises OSError if the port is taken."""
    _add_missing_commands()
    server = TcpFakeServer(("127.0.0.1", port), server_type="valkey", server_version=(8, 0))
    server.RequestHandlerClass = _Handler
    server.daemon_threads = True
    server.serve_forever(poll_interval=0.05)


def main() -> None:
    """Read port and log file from the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m mdhub.streams.fake_server", description=FAKE_WARNING
    )
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--log", type=Path, required=True, help="file for what goes wrong")
    args = parser.parse_args()
    with args.log.open("a") as log, contextlib.redirect_stderr(log):
        serve(args.port)


if __name__ == "__main__":
    main()
