"""A fake MongoDB at the wire: real PyMongo speaks to mongomock over TCP.

It tests our commands and how we take errors, not MongoDB itself: `MDHUB_TEST_MONGO_URL` names a
real server to use in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import mockupdb
import mongomock
from pymongo.errors import DuplicateKeyError

__all__ = ["FakeMongo"]

Document = dict[str, Any]
_HELLO = {
    "isWritablePrimary": True, "ismaster": True, "maxWireVersion": 21, "minWireVersion": 0,
    "maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
}  # fmt: skip
_DUPLICATE = 11_000


class FakeMongo:
    """Context manager: a server on a free port of loopback; what it holds outlives `stop`."""

    def __init__(self) -> None:
        self._store: Any = mongomock.MongoClient()
        self._server: Any = None
        self._port: int | None = None
        self.overtaking: Callable[[Any], object] | None = None
        """Called once with the collection, before the next replacement is carried out."""

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}/mdhub"

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = mockupdb.MockupDB(port=self._port)
        self._server.autoresponds(self._answer)
        self._port = self._server.run()

    def stop(self) -> None:
        """Hang up and answer no longer."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _answer(self, request: Any) -> bool:
        command: Document = dict(request.doc)
        name = next(iter(command))
        try:
            reply = self._carry_out(name, command)
        except DuplicateKeyError:
            error = {"index": 0, "code": _DUPLICATE, "errmsg": "E11000 duplicate key"}
            reply = {"n": 0, "writeErrors": [error]}
        return bool(request.replies({"ok": 1.0, **reply}))

    def _carry_out(self, name: str, command: Document) -> Document:
        if name.lower() in {"hello", "ismaster"}:
            return _HELLO
        if name == "endSessions":
            return {}
        space = f"{command['$db']}.{command[name]}"
        collection = self._store[command["$db"]][command[name]]
        match name:
            case "find":
                return _cursor(space, collection.find(command.get("filter", {})))
            case "aggregate":
                return _cursor(space, collection.aggregate(command["pipeline"]))
            case "insert":
                collection.insert_many(command["documents"])
                return {"n": len(command["documents"])}
            case "update":
                return self._update(collection, command["updates"][0])
            case _:
                return {"ok": 0.0, "code": 59, "errmsg": f"no such command: {name}"}

    def _update(self, collection: Any, told: Document) -> Document:
        if self.overtaking is not None:
            self.overtaking(collection)
            self.overtaking = None
        done = collection.replace_one(told["q"], told["u"])
        return {"n": done.matched_count, "nModified": done.modified_count}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _cursor(space: str, found: Any) -> Document:
    return {"cursor": {"id": 0, "ns": space, "firstBatch": list(found)}}
