"""Many requests with a bounded number in flight, answers in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from tfdeconv.errors import InvalidArgumentError

T = TypeVar("T")

# Called after each answer with how many have come and how many there will be, None if unknown.
Progress: TypeAlias = Callable[[int, int | None], object]


def map_threads(
    function: Callable[[Any], T], items: Iterable[Any], concurrency: int, progress: Progress | None
) -> Iterator[T]:
    """Return an iterator over ``function(item)`` in order, at most ``concurrency`` at a time.

    Raises:
        InvalidArgumentError: ``concurrency`` is below 1.
    """
    _check(concurrency)
    return _map_threads(function, items, concurrency, progress)


def map_tasks(
    function: Callable[[Any], Awaitable[T]],
    items: Iterable[Any],
    concurrency: int,
    progress: Progress | None,
) -> AsyncGenerator[T]:
    """Return an asynchronous iterator over ``await function(item)`` in order, as :func:`map_threads`."""
    _check(concurrency)
    return _map_tasks(function, items, concurrency, progress)


def _check(concurrency: int) -> None:
    if concurrency < 1:
        raise InvalidArgumentError(f"concurrency must be at least 1; received {concurrency}.")


def _map_threads(
    function: Callable[[Any], T], items: Iterable[Any], concurrency: int, progress: Progress | None
) -> Iterator[T]:
    total = len(items) if isinstance(items, Sized) else None
    source = iter(items)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="tfdeconv-client") as pool:
        flying: deque[Future[T]] = deque(pool.submit(function, item) for item in islice(source, concurrency))
        done = 0
        try:
            while flying:
                answer = flying.popleft().result()
                done += 1
                if progress is not None:
                    progress(done, total)
                flying.extend(pool.submit(function, item) for item in islice(source, 1))
                yield answer
        finally:
            for future in flying:
                future.cancel()


async def _map_tasks(
    function: Callable[[Any], Awaitable[T]],
    items: Iterable[Any],
    concurrency: int,
    progress: Progress | None,
) -> AsyncGenerator[T]:
    total = len(items) if isinstance(items, Sized) else None
    source = iter(items)

    def start(count: int) -> list[asyncio.Future[T]]:
        return [asyncio.ensure_future(function(item)) for item in islice(source, count)]

    flying = deque(start(concurrency))
    done = 0
    try:
        while flying:
            answer = await flying.popleft()
            done += 1
            if progress is not None:
                progress(done, total)
            flying.extend(start(1))
            yield answer
    finally:
        for future in flying:
            future.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
