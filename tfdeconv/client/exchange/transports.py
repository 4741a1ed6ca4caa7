"""One transport for each server that a client speaks to, made when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from tfdeconv.client.endpoint import Endpoint

T = TypeVar("T")


class Transports(Generic[T]):
    """The transports of one client.

    Args:
        make: Returns the transport to an endpoint.
        first: Endpoints whose transports are made now, so that what is wrong with them is said now.
    """

    def __init__(self, make: Callable[[Endpoint], T], first: Sequence[Endpoint]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made = {endpoint.address: make(endpoint) for endpoint in first}

    def of(self, endpoint: Endpoint) -> T:
        """Return the transport to an endpoint."""
        with self._lock:
            if endpoint.address not in self._made:
                self._made[endpoint.address] = self._make(endpoint)
            return self._made[endpoint.address]

    def pop(self, endpoint: Endpoint) -> T | None:
        """Return the transport to an endpoint, if there is one, for its connections to be closed."""
        with self._lock:
            return self._made.pop(endpoint.address, None)

    def pop_all(self) -> list[T]:
        """Return all transports, for their connections to be closed."""
        with self._lock:
            made, self._made = list(self._made.values()), {}
            return made


def addresses(found: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the IP addresses of what ``getaddrinfo`` found, each once and in its order."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
