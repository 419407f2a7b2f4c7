"""Two networks with one cable between them, which can be pulled out."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from mdhub.drill.tools.namespaces import Holder, check_namespaces

__all__ = ["Cable", "check_cable"]

NEAR: Final = "10.77.0.1"
FAR: Final = "10.77.0.2"
_NEAR_DEVICE: Final = "near"
_FAR_DEVICE: Final = "far"


def check_cable() -> None:
    """Return if a cable can be made here. Raises ToolMissing."""
    check_namespaces("net", programs=("unshare", "nsenter", "ip"))


class Cable:
    """Context manager: `near` and `far` are networks of their own, each with a loopback.

    Programs run with `near.command` or `far.command` before them. Unix sockets and files are
    the same in both.
    """

    near_address: Final = NEAR
    far_address: Final = FAR

    def __init__(self) -> None:
        self.near = Holder("net")
        self.far = Holder("net", inside=self.near)
        self._stack = ExitStack()

    def pull(self) -> None:
        """No packet passes any more. Taken down on the near side: the far one notices nothing."""
        self.near.run("ip", "link", "set", _NEAR_DEVICE, "down")

    def plug(self) -> None:
        """Packets pass again; addresses and connections are as they were."""
        self.near.run("ip", "link", "set", _NEAR_DEVICE, "up")

    def __enter__(self) -> Self:
        check_cable()
        with ExitStack() as stack:
            stack.enter_context(self.near)
            stack.enter_context(self.far)
            self._lay()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _lay(self) -> None:
        ends = ["type", "veth", "peer", "name", _FAR_DEVICE, "netns", str(self.far.pid)]
        self.near.run("ip", "link", "add", _NEAR_DEVICE, *ends)
        sides = ((self.near, _NEAR_DEVICE, NEAR), (self.far, _FAR_DEVICE, FAR))
        for side, device, address in sides:
            side.run("ip", "address", "add", f"{address}/24", "dev", device)
            side.run("ip", "link", "set", "lo", "up")
            side.run("ip", "link", "set", device, "up")
