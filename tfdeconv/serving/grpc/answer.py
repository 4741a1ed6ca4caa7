"""How a gRPC call ends."""

from __future__ import annotations

from typing import NamedTuple


class GrpcAnswer(NamedTuple):
    """How a call ends.

    Attributes:
        code: Name of the status code, such as ``"OK"`` or ``"NOT_FOUND"``.
        details: The status's message; empty for ``"OK"``.
        message: The serialized response; empty for any other code.
    """

    code: str
    details: str
    message: bytes
