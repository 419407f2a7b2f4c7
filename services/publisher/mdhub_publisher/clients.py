"""Answers under way, a few frames at a time, fair between clients.

Bounds: 2 answers per client, 256 clients. Policy: one more gets `busy`. A client that takes
nothing for 5 s, or is gone, loses its answers. Counters: `busy`, `dropped`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from mdhub.wire.codec import decode_request_head
from mdhub.wire.requests import ErrorCode
from mdhub_publisher.answers import Answer, Answers, Frames

__all__ = ["Clients", "Sent"]

MAX_ANSWERS: Final = 2
MAX_CLIENTS: Final = 256
PATIENCE_NS: Final = 5_000_000_000


class Sent(Enum):
    """What became of frames given to the socket."""

    OK = auto()
    FULL = auto()
    """The client's queue is full; nothing was sent."""
    GONE = auto()


Send = Callable[[bytes, Frames], Sent]


class _Client:
    __slots__ = ("answers", "pending", "served_ns")

    def __init__(self, now_ns: int) -> None:
        self.answers: deque[Answer] = deque()
        self.pending: Frames | None = None
        """Made, and not yet accepted by the socket."""
        self.served_ns = now_ns


class Clients:
    """Requests in, replies out through `send`, which must not block."""

    def __init__(self, answers: Answers, *, send: Send, monotonic_ns: Callable[[], int]) -> None:
        self.busy = 0
        self.dropped = 0
        self.blocked = False
        self._answers = answers
        self._send = send
        self._monotonic_ns = monotonic_ns
        self._clients: dict[bytes, _Client] = {}

    def __bool__(self) -> bool:
        """Tell whether an answer is under way."""
        return bool(self._clients)

    def request(self, frames: Frames, address: str = "") -> None:
        """Take in one message of the request socket: identity, then one frame."""
        identity, *body = frames
        if len(body) != 1:
            text = f"request had {len(body)} frames, expected 1"
            self._send(identity, self._answers.refuse(0, ErrorCode.MALFORMED, text))
            return
        client = self._clients.get(identity)
        if client is None and len(self._clients) < MAX_CLIENTS:
            client = self._clients[identity] = _Client(self._monotonic_ns())
        if client is None or len(client.answers) >= MAX_ANSWERS:
            self._refuse_busy(identity, body[0])
            return
        client.answers.append(self._answers.begin(body[0], address))

    def step(self, budget_ns: int) -> None:
        """Give every client its turns until the time is up or nobody can take more.

        `blocked` then says whether all that is left waits for clients.
        """
        deadline_ns = self._monotonic_ns() + budget_ns
        progress = True
        while progress and self._clients:
            progress = False
            for identity, client in list(self._clients.items()):
                progress |= self._turn(identity, client)
                if self._monotonic_ns() >= deadline_ns:
                    self.blocked = False
                    return
        self.blocked = bool(self._clients)

    def _turn(self, identity: bytes, client: _Client) -> bool:
        frames = client.pending or self._next_frames(client)
        if frames is not None:
            client.pending = frames
            sent = self._send(identity, frames)
            if sent is Sent.FULL:
                return self._wait(identity, client)
            if sent is Sent.GONE:
                self._drop(identity)
                return True
            client.pending = None
            client.served_ns = self._monotonic_ns()
        if not client.answers:
            self._clients.pop(identity, None)
        return True

    def _next_frames(self, client: _Client) -> Frames | None:
        """Do one step of the oldest answer; the next one begins when it is complete."""
        if not client.answers:
            return None
        try:
            return next(client.answers[0])
        except StopIteration:
            client.answers.popleft()
            return None

    def _wait(self, identity: bytes, client: _Client) -> bool:
        if self._monotonic_ns() - client.served_ns > PATIENCE_NS:
            self._drop(identity)
        return False

    def _drop(self, identity: bytes) -> None:
        self.dropped += 1
        self._clients.pop(identity, None)

    def _refuse_busy(self, identity: bytes, request: bytes) -> None:
        self.busy += 1
        try:
            req_id = decode_request_head(request).req_id
        except ValueError:
            req_id = 0
        text = f"{MAX_ANSWERS} answers are under way; wait for their end"
        self._send(identity, self._answers.refuse(req_id, ErrorCode.BUSY, text))
