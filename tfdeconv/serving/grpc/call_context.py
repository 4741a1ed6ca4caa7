"""What a gRPC method may ask of the call that it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class CallContext(Protocol):
    """A call in progress; whoever receives calls provides it."""

    def time_remaining(self) -> float | None:
        """Return the seconds until the caller's deadline, 0 or less when it has passed, None without one."""

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the caller gives up, the deadline passes or the server stops.

        It may be called when the call has ended in any other way, too: by then nobody listens.
        """


class NoDeadline:
    """The context of a call that waits for its answer however long it takes."""

    def time_remaining(self) -> float | None:
        """Return None: there is no deadline."""
        return None

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Forget the callback: nobody gives up."""
