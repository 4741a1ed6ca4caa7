"""Times of alternatives, taken in turns so that drift hits all of them alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

HOPELESS = 4.0
"""A candidate this many times slower than the best after the first rounds is not run again."""
FIRST_ROUNDS = 3
NOISE = 1.1
"""Among candidates this close to the best, the first is kept: as it is, gradient, then the others."""


def milliseconds(candidates: Mapping[str, Callable[[], Any]], budget_s: float) -> dict[str, float]:
    """Return the shortest time of each candidate within ``budget_s`` seconds, at least four runs each.

    The shortest of many short runs is what the machine can do; other work only ever adds to a time.

    Example:
        >>> list(milliseconds({"nothing": lambda: None}, 0.0))
        ['nothing']
    """
    for run in candidates.values():
        run()  # traces and allocates
    best = dict.fromkeys(candidates, math.inf)
    racing, rounds = dict(candidates), 0
    end = time.perf_counter() + budget_s
    while rounds < FIRST_ROUNDS or time.perf_counter() < end:
        for name, run in racing.items():
            best[name] = min(best[name], _timed(run))
        rounds += 1
        if rounds == FIRST_ROUNDS:
            limit = HOPELESS * min(best.values())
            racing = {name: run for name, run in racing.items() if best[name] <= limit}
    return best


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)
