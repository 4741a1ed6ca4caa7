"""One version of one model: its states, and the leases that keep it alive while requests run."""

from __future__ import annotations

import dataclasses
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from tfdeconv.serving.models.model import Model
from tfdeconv.wire.version_state import VersionState

if TYPE_CHECKING:
    from tfdeconv.serving.models.saved_model_proto import Signature


@dataclasses.dataclass(frozen=True, slots=True)
class VersionStatus:
    """What GetModelStatus tells of a version.

    Attributes:
        version: Its number.
        state: Where it is in its life.
        error: Why it ended, or None.
        note: What is the matter with where the model lies, while it goes on serving; empty for nothing.
    """

    version: int
    state: VersionState
    error: Exception | None = None
    note: str = ""


class Lease(Protocol):
    """Permission to use a loaded version until the ``with`` block ends."""

    def __enter__(self) -> Servable: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Servable:
    """A loaded version. Entering it takes a lease; ``retire`` waits for all leases to end.

    Args:
        name: The model's name.
        version: The version.
        model: The loaded model.
    """

    def __init__(self, name: str, version: int, model: Model) -> None:
        self.name = name
        self.version = version
        self.model = model
        self._idle = threading.Condition()
        self._leases = 0
        self._retired = False

    def signature(self, name: str) -> Signature | None:
        """Return a signature by name, or None."""
        return self.model.signatures.get(name)

    def acquire(self) -> bool:
        """Take a lease; False if the version is being unloaded."""
        with self._idle:
            if self._retired:
                return False
            self._leases += 1
            return True

    def release(self) -> None:
        """Give a lease back."""
        with self._idle:
            self._leases -= 1
            if self._retired and not self._leases:
                self._idle.notify_all()

    def __enter__(self) -> Servable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def retire(self) -> None:
        """Refuse new leases, wait until the last one ends, and close the model."""
        with self._idle:
            self._retired = True
            self._idle.wait_for(lambda: not self._leases)
        self.model.close()
