"""A broker's front in Python: accepts the stand-in libraries and answers as a test tells it to.

Threads accept and read; tests call from their own thread and wait on conditions. See README.md.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from tests.gateways.front.answers import DEFAULTS, Answer
from tests.gateways.front.wire import (
    Hello,
    Request,
    Value,
    callback,
    line,
    load_order,
    read_hello,
    read_refusal,
    read_request,
)

__all__ = ["Front", "Session"]

Manner = Literal["open", "silent", "flapping"]
PATIENCE_S = 20.0


class Session:
    """One connection of one library."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.number = number
        self.hello: Hello | None = None
        self.subscribed: set[str] = set()
        self.over = False
        self._connection = connection
        self._lock = threading.Lock()

    @property
    def kind(self) -> str:
        return self.hello.kind if self.hello else ""

    def send(self, data: bytes) -> None:
        """Send whole lines; a session that is over swallows them as a network would."""
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(data)

    def end(self) -> None:
        """Close the connection: the gateway sees 4097."""
        self.over = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class Front:
    """Listens on loopback for any number of gateways, market data and trading alike.

    Without orders all goes well: login, contracts and subscriptions are answered. What the
    gateways asked is in `journal`; every `wait_*` fails with the journal after 20 s.
    """

    def __init__(
        self, contracts: Iterable[Mapping[str, Value]] = (), *, trading_day: str = "20261123"
    ) -> None:
        self.contracts = list(contracts)
        self.trading_day = trading_day
        # The last snapshot by symbol, pushed on subscribe.
        self.snapshots: dict[str, Mapping[str, Value]] = {}
        self.journal: list[Request] = []
        self.hellos: list[Hello] = []
        self.loads_done: list[float] = []  # seconds each local load took
        self._answers: dict[tuple[str, str], Answer] = {}
        self._manners: dict[str, Manner] = {}
        self._faults: list[str] = []
        self._sessions: list[Session] = []
        self._count = 0
        self._changed = threading.Condition(threading.RLock())
        self._listener: socket.socket | None = None
        self._port = 0

    # Life

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_port()
        for session in self.sessions():
            session.end()
        if error is None:
            self._check()

    @property
    def address(self) -> str:
        """What goes into the gateway's setting; the port stays the same when it is reopened."""
        return f"tcp://127.0.0.1:{self._port}"

    def listen(self) -> None:
        """Open the port (again)."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen()
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close_port(self) -> None:
        """Refuse new connections; those that are open go on."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    # Manners: what happens to a connection, by side ("md", "td")

    def silent(self, kind: str) -> None:
        """From now on accept connections and never say a word."""
        self._manners[kind] = "silent"

    def flapping(self, kind: str) -> None:
        """From now on close every connection at once."""
        self._manners[kind] = "flapping"

    def behave(self, kind: str) -> None:
        """End silence or flapping, for connections to come."""
        self._manners[kind] = "open"

    def answer(self, name: str, answer: Answer, *, kind: str = "") -> None:
        """Replace the answer to a request, on both sides or one."""
        for side in (kind,) if kind else ("md", "td"):
            self._answers[side, name] = answer

    # Orders to the library in the gateway's process

    def drop(self, kind: str, reason: int = 4097) -> None:
        """Break the sessions of one side: 4097 read failed, 8193 nothing heard for 120 s."""
        for session in self.sessions(kind):
            session.send(line(["DROP", reason]))

    def push(self, kind: str, data: bytes) -> None:
        """Send lines of your own making, such as `wire.callback(...)`."""
        sessions = self.sessions(kind)
        assert sessions, f"no {kind} session is open; {self.story()}"
        for session in sessions:
            session.send(data)

    def tick(self, fields: Mapping[str, Value]) -> None:
        """Push a snapshot to every market data session, subscribed or not."""
        self.push("md", callback("OnRtnDepthMarketData", fields))

    def returns(self, kind: str, name: str, code: int, *, times: int = 1) -> None:
        """Let the library itself refuse the next calls of a request; -1 times is for ever."""
        self.push(kind, line(["RET", name, code, times]))

    def hang(self, kind: str, seconds: float) -> None:
        """Let the next request, whatever it is, block inside the library, holding the GIL."""
        self.push(kind, line(["HANG", seconds]))

    def delay_release(self, kind: str, seconds: float) -> None:
        """Let Release() take its time."""
        self.push(kind, line(["RELDELAY", seconds]))

    def crash(self, kind: str, how: Literal["segv", "abort", "throw"] | int) -> None:
        """Let the library end the process, by signal, exception or exit code."""
        self.push(kind, line(["CRASH", how]))

    def load(
        self, count: int, *, rate: float, symbols: Iterable[str], template: Mapping[str, Value]
    ) -> None:
        """Let the library make ticks itself; rate 0 is as fast as it can."""
        self.push("md", load_order(count, rate, symbols, template))

    def stop_load(self) -> None:
        """Stop what `load` started."""
        self.push("md", line(["STOPGEN"]))

    # What was seen

    def sessions(self, kind: str = "") -> list[Session]:
        """List the open sessions, of one side or both."""
        with self._changed:
            return [s for s in self._sessions if not s.over and kind in {"", s.kind}]

    def requests(self, name: str, kind: str = "") -> list[Request]:
        """List the requests of one name that reached the front."""
        return [request for request in self._named(name, kind) if not request.refused]

    def refused(self, name: str, kind: str = "") -> list[Request]:
        """List those that the library refused itself; `Release` counts among them."""
        return [request for request in self._named(name, kind) if request.refused]

    def story(self) -> str:
        """Describe what happened, for messages."""
        with self._changed:
            seen = [f"{r.kind}.{r.name}{'!' if r.refused else ''}" for r in self.journal[-30:]]
            return f"hellos {self.hellos[-10:]}, last requests {seen}, faults {self._faults}"

    def wait(
        self, condition: Callable[[], object], what: str, *, within_s: float = PATIENCE_S
    ) -> None:
        """Wait until something the front sees holds; fail saying what was waited for."""
        deadline_s = time.monotonic() + within_s
        with self._changed:
            while not condition():
                self._check()
                left_s = deadline_s - time.monotonic()
                assert left_s > 0, f"waited {within_s:g} s in vain for {what}; {self.story()}"
                self._changed.wait(left_s)

    def wait_request(self, name: str, kind: str = "", *, count: int = 1) -> Request:
        """Wait for the `count`-th request of a name and return it."""
        self.wait(lambda: len(self.requests(name, kind)) >= count, f"{count} x {kind}.{name}")
        return self.requests(name, kind)[count - 1]

    def wait_hello(self, kind: str, *, count: int = 1) -> Hello:
        """Wait for the `count`-th connection of one side and return what it said first."""
        self.wait(lambda: len(self._hellos(kind)) >= count, f"{count} x HELLO of {kind}")
        return self._hellos(kind)[count - 1]

    def wait_subscribed(self, *symbols: str) -> None:
        """Wait until an open session has subscribed to all of them."""
        self.wait(
            lambda: any(set(symbols) <= s.subscribed for s in self.sessions("md")),
            f"subscription of {symbols}",
        )

    # Inside

    def _hellos(self, kind: str) -> list[Hello]:
        return [hello for hello in self.hellos if hello.kind == kind]

    def _named(self, name: str, kind: str) -> list[Request]:
        with self._changed:
            return [r for r in self.journal if r.name == name and kind in {"", r.kind}]

    def _check(self) -> None:
        assert not self._faults, f"the stand-in or an answer objected: {self._faults}"

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._count += 1
                session = Session(connection, self._count)
                self._sessions.append(session)
            threading.Thread(target=self._serve, args=(session, connection), daemon=True).start()

    def _serve(self, session: Session, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            for text in lines:
                self._hear(
                    session, text.decode("gb18030", errors="replace").rstrip("\n").split("\x01")
                )
        with self._changed:
            session.over = True
            self._changed.notify_all()

    def _hear(self, session: Session, words: list[str]) -> None:
        match words:
            case ["HELLO", *_]:
                session.hello = read_hello(words)
                self._note(self.hellos, session.hello)
                self._greet(session)
            case ["RETD" | "REL", *_]:
                self._note(self.journal, read_refusal(session.kind, words))
            case ["REQ", *_]:
                request = read_request(session.kind, words)
                self._reply(session, request)  # first, so that who waits for a request
                self._note(self.journal, request)  # finds it answered
            case ["GENDONE", _, seconds]:
                self._note(self.loads_done, float(seconds))
            case _:
                self._note(self._faults, " ".join(words))

    def _note(self, where: list[Any], what: object) -> None:
        with self._changed:
            where.append(what)
            self._changed.notify_all()

    def _reply(self, session: Session, request: Request) -> None:
        answer = self._answers.get((session.kind, request.name)) or DEFAULTS.get(request.name)
        try:
            if answer is not None:
                answer(self, session, request)
        except Exception as fault:  # noqa: BLE001 # told to the test instead of to stderr
            self._note(self._faults, f"answer to {request.name}: {fault!r}")

    def _greet(self, session: Session) -> None:
        match self._manners.get(session.kind, "open"):
            case "flapping":
                session.end()
            case "silent":
                pass
            case _:
                session.send(callback("OnFrontConnected"))
