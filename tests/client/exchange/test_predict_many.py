"""Many requests: order, bounded concurrency, progress, failures."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from client.fakes.fake_model import MODEL

from tfdeconv import errors
from tfdeconv.client import Client, connect_async
from tfdeconv.client.exchange.many import map_tasks, map_threads

IMAGES = [np.full((1, 1, 1, 3), n, np.float32) for n in range(12)]


def first_values(outputs: list[dict[str, np.ndarray]]) -> list[float]:
    """The number that each image was filled with."""
    return [float(one["upscaled"].flat[0]) for one in outputs]


def test_answers_come_in_order_with_progress(client: Client) -> None:
    """Whatever the order in which the server finishes."""
    seen: list[tuple[int, int | None]] = []
    outputs = client.predict_many(IMAGES, concurrency=4, progress=lambda *progress: seen.append(progress))
    assert first_values(list(outputs)) == list(range(12))
    assert seen == [(n, 12) for n in range(1, 13)]


def test_a_stream_has_no_total(client: Client) -> None:
    """Progress is told the count alone."""
    seen: list[tuple[int, int | None]] = []
    list(client.predict_many(iter(IMAGES[:2]), progress=lambda *progress: seen.append(progress)))
    assert seen == [(1, None), (2, None)]


def test_the_first_failure_ends_it(client: Client) -> None:
    """Answers before it are given."""
    outputs = client.predict_many([IMAGES[0], "nonsense", IMAGES[1]], concurrency=2)
    assert first_values([next(outputs)]) == [0]
    with pytest.raises(errors.InvalidRequestError, match="Input 'image' takes float32"):
        next(outputs)
    with pytest.raises(StopIteration):
        next(outputs)


def test_options_go_to_every_request(client: Client) -> None:
    """The keyword arguments of predict."""
    requests = [{"count": [n], "scale": [1]} for n in range(3)]
    totals = [
        int(one["total"]) for one in client.predict_many(requests, signature="mixed", outputs=["total"])
    ]
    assert totals == [0, 1, 2]


def test_nothing_to_do(client: Client) -> None:
    """No request, no answer."""
    assert list(client.predict_many([])) == []


def test_concurrency_is_at_least_one(client: Client) -> None:
    """Told at the call, not at the first answer."""
    with pytest.raises(errors.InvalidArgumentError, match="concurrency must be at least 1; received 0"):
        client.predict_many(IMAGES, concurrency=0)


class Gauge:
    """A function whose calls wait for one another, and which counts them."""

    def __init__(self, together: int) -> None:
        self.together = threading.Barrier(together, timeout=60)
        self.lock = threading.Lock()
        self.running = self.most = 0

    def __call__(self, item: int) -> int:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.together.wait()
        with self.lock:
            self.running -= 1
        return item


def test_threads_run_as_many_as_allowed_and_no_more() -> None:
    """Three meet at a barrier for three; a fourth never joins them."""
    gauge = Gauge(3)
    assert list(map_threads(gauge, range(9), 3, None)) == list(range(9))
    assert gauge.most == 3


def test_items_are_drawn_as_answers_are_taken() -> None:
    """An endless stream is no problem, and what was started is not left running."""
    drawn: list[int] = []

    def stream() -> Iterator[int]:
        while True:
            drawn.append(len(drawn))
            yield drawn[-1]

    results = map_threads(lambda n: n, stream(), 2, None)
    assert [next(results), next(results)] == [0, 1]
    assert len(drawn) <= 4
    results.close()  # type: ignore[attr-defined]
    assert len(drawn) <= 4


def test_tasks_run_as_many_as_allowed_and_no_more() -> None:
    """The awaiting counterpart."""
    running = most = 0

    async def main() -> list[int]:
        meeting = asyncio.Barrier(3)

        async def one(item: int) -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.wait_for(meeting.wait(), 60)
            running -= 1
            return item

        return [item async for item in map_tasks(one, range(9), 3, None)]

    assert asyncio.run(main()) == list(range(9))
    assert most == 3


def test_tasks_are_cancelled_when_one_fails() -> None:
    """None is left running behind the caller's back."""
    cancelled: list[int] = []

    async def main() -> None:
        async def one(item: int) -> int:
            if item == 0:
                raise errors.InternalError("broken")
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(item)
                raise
            return item

        results: AsyncIterator[int] = map_tasks(one, range(3), 3, None)
        with pytest.raises(errors.InternalError, match="broken"):
            await anext(results)

    asyncio.run(main())
    assert cancelled == [1, 2]


def test_awaiting_many(url: str) -> None:
    """Progress and order, and a bad concurrency is told at the call."""
    seen: list[int] = []

    async def main() -> list[dict[str, np.ndarray]]:
        async with connect_async(url, model=MODEL, timeout=60) as client:
            with pytest.raises(errors.InvalidArgumentError, match="concurrency must be at least 1"):
                client.predict_many(IMAGES, concurrency=-1)
            many = client.predict_many(IMAGES, concurrency=3, progress=lambda done, total: seen.append(done))
            return [one async for one in many]

    assert first_values(asyncio.run(main())) == list(range(12))
    assert seen == list(range(1, 13))
