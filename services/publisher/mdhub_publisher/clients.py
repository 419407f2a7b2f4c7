"""Answers under way, a few frames at a time, fair between clients.

Bounds: 2 answers per client, 256 clients. Policy: one more gets `busy`. A client that takes
nothing for 5 s, or is gone, loses its answers. One that asks the same again has stopped waiting
for the first answer: see `_Job`. Counters: `busy`, `dropped`, `asked_again`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

import msgspec

from mdhub.wire.codec import DecodeError, decode_request_head, decoder, encode
from mdhub.wire.requests import ErrorCode
from mdhub_publisher.answers import Answer, Answers, Frames

__all__ = ["Clients", "Sent"]

MAX_ANSWERS: Final = 2
MAX_CLIENTS: Final = 256
PATIENCE_NS: Final = 5_000_000_000
_MAX_REQ_ID: Final = 2**63 - 1


class Sent(Enum):
    """What became of frames given to the socket."""

    OK = auto()
    FULL = auto()
    """The client's queue is full; nothing was sent."""
    GONE = auto()


Send = Callable[[bytes, Frames], Sent]


_decode_parts: Final = decoder(list[msgspec.Raw])


class _Job:
    """One answer under way.

    The search for an old replay may outlast a client's patience. If it then began anew with each
    repetition, it would never end: so the work goes on under the newer number as long as nothing
    of it was sent.
    """

    __slots__ = ("answer", "begun", "renumbered", "req_id", "what")

    def __init__(self, answer: Answer, what: bytes, req_id: int) -> None:
        self.answer = answer
        self.what = what
        self.req_id = req_id
        self.begun = False
        self.renumbered = False

    def renumber(self, req_id: int) -> None:
        self.req_id, self.renumbered = req_id, True

    def step(self) -> Frames | None:
        """Raise StopIteration at the end."""
        frames = next(self.answer)
        if frames is None:
            return None
        self.begun = True
        if not self.renumbered:
            return frames
        parts = _decode_parts(frames[0])
        parts[1] = msgspec.Raw(encode(self.req_id))
        return [encode(parts), *frames[1:]]


class _Client:
    __slots__ = ("jobs", "pending", "served_ns")

    def __init__(self, now_ns: int) -> None:
        self.jobs: deque[_Job] = deque()
        self.pending: Frames | None = None
        """Made, and not yet accepted by the socket."""
        self.served_ns = now_ns


class Clients:
    """Requests in, replies out through `send`, which must not block."""

    def __init__(self, answers: Answers, *, send: Send, monotonic_ns: Callable[[], int]) -> None:
        self.requests = 0
        self.busy = 0
        self.dropped = 0
        self.asked_again = 0
        self.blocked = False
        self._answers = answers
        self._send = send
        self._monotonic_ns = monotonic_ns
        self._clients: dict[bytes, _Client] = {}

    def __len__(self) -> int:
        """Tell how many clients have an answer under way."""
        return len(self._clients)

    def request(self, frames: Frames, address: str = "") -> None:
        """Take in one message of the request socket: identity, then one frame."""
        self.requests += 1
        identity, *body = frames
        if len(body) != 1:
            text = f"request had {len(body)} frames, expected 1"
            self._send(identity, self._answers.refuse(0, ErrorCode.MALFORMED, text))
            return
        client = self._clients.get(identity)
        if client is None and len(self._clients) < MAX_CLIENTS:
            client = self._clients[identity] = _Client(self._monotonic_ns())
        req_id, what = _number_of(body[0]), _what_of(body[0])
        if client is not None and self._asked_again(identity, client, what, req_id):
            return
        if client is None or len(client.jobs) >= MAX_ANSWERS:
            self.busy += 1
            text = f"{MAX_ANSWERS} answers are under way; wait for their end"
            self._refuse_busy(identity, req_id, text)
            return
        client.jobs.append(_Job(self._answers.begin(body[0], address), what, req_id))

    def _asked_again(self, identity: bytes, client: _Client, what: bytes, req_id: int) -> bool:
        """Let an older answer to the same go; True if what was done for it serves the newer."""
        job = next((job for job in client.jobs if job.what == what), None)
        if job is None:
            return False
        self.asked_again += 1
        text = f"asked again as {req_id}: this answer ends"
        self._refuse_busy(identity, job.req_id, text)
        if not job.begun:
            job.renumber(req_id)
            return True
        if job is client.jobs[0]:
            client.pending = None
        client.jobs.remove(job)
        return False

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
        if not client.jobs:
            self._clients.pop(identity, None)
        return True

    def _next_frames(self, client: _Client) -> Frames | None:
        """Do one step of the oldest answer; the next one begins when it is complete."""
        if not client.jobs:
            return None
        try:
            return client.jobs[0].step()
        except StopIteration:
            client.jobs.popleft()
            return None

    def _wait(self, identity: bytes, client: _Client) -> bool:
        if self._monotonic_ns() - client.served_ns > PATIENCE_NS:
            self._drop(identity)
        return False

    def _drop(self, identity: bytes) -> None:
        self.dropped += 1
        self._clients.pop(identity, None)

    def _refuse_busy(self, identity: bytes, req_id: int, text: str) -> None:
        self._send(identity, self._answers.refuse(req_id, ErrorCode.BUSY, text))


def _number_of(request: bytes) -> int:
    """Read the client's number; 0 if there is none that could be sent back."""
    try:
        req_id = decode_request_head(request).req_id
    except ValueError:
        return 0
    return req_id if 0 <= req_id <= _MAX_REQ_ID else 0


def _what_of(request: bytes) -> bytes:
    """What is asked for, under whatever number."""
    try:
        return b"".join(_decode_parts(request)[2:])
    except DecodeError:
        return request
