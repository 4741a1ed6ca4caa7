"""When to try again: exponential backoff with jitter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tfdeconv.errors import InvalidArgumentError


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how fast a request is repeated when the server is unavailable.

    Only :class:`~tfdeconv.errors.UnavailableError` is retried: the request did not run, or the server
    asks to come back. Each pause is drawn between half and all of ``first_delay * multiplier ** n``, so
    that clients that failed together do not return together.

    Attributes:
        attempts: Times a request is sent in all; 1 never retries. Default 4.
        first_delay: Longest first pause, in seconds. Default 0.1.
        multiplier: Factor from one pause to the next. Default 2.
        max_delay: No pause is longer, in seconds. Default 5.

    Raises:
        InvalidArgumentError: ``attempts`` below 1, a negative delay or a multiplier below 1.

    Example:
        >>> [delay <= limit for delay, limit in zip(RetryPolicy().delays(), (0.1, 0.2, 0.4), strict=True)]
        [True, True, True]
        >>> list(RetryPolicy(attempts=1).delays())
        []
    """

    attempts: int = 4
    first_delay: float = 0.1
    multiplier: float = 2.0
    max_delay: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidArgumentError(f"attempts must be at least 1 (no retry); received {self.attempts}.")
        if self.first_delay < 0 or self.max_delay < 0:
            raise InvalidArgumentError(
                f"delays must not be negative; received first_delay={self.first_delay}, "
                f"max_delay={self.max_delay}."
            )
        if self.multiplier < 1:
            raise InvalidArgumentError(f"multiplier must be at least 1; received {self.multiplier}.")

    def delays(self) -> Iterator[float]:
        """Yield the pause before each retry, in seconds."""
        limit = self.first_delay
        for _ in range(self.attempts - 1):
            yield min(limit, self.max_delay) * random.uniform(0.5, 1.0)
            limit *= self.multiplier
