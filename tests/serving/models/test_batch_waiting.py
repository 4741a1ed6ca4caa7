"""Requests whose clients give up while they wait for a batch."""

from __future__ import annotations

import threading

from batched_models import ask, run_all

from tfdeconv.errors import CancelledError, DeadlineExceededError
from tfdeconv.serving import cancellation
from tfdeconv.serving.cancellation import Cancellation


def asked_for(waiting, call):
    """The call on behalf of a client that may leave."""

    def run():
        with cancellation.working_for(waiting):
            return call()

    return run


class Leaving(Cancellation):
    """A client that leaves when ``close`` is called."""

    def close(self):
        self.cancel()


class Staying(Cancellation):
    """One that does not."""

    def close(self):
        pass


class TestWaiting:
    """What nobody waits for any longer when its batch is formed is not run."""

    def held(self, batched, *requests, **parameters):
        """Queue the requests behind a batch that runs; return their results, and the shapes that ran."""
        model, spy = batched(batch_timeout_micros=1000, num_batch_threads=1, **parameters)
        spy.gate.clear()
        first = threading.Thread(target=ask(model, [[0]]))
        first.start()
        assert spy.entered.acquire(timeout=60)
        results: list[object] = []
        others = threading.Thread(
            target=lambda: results.extend(
                run_all(*(asked_for(waiting, ask(model, rows)) for waiting, rows in requests))
            )
        )
        others.start()
        while len(model._requests) < 1 + len(requests):
            threading.Event().wait(0.005)
        for waiting, _ in requests:
            waiting.close()
        spy.gate.set()
        first.join(60)
        others.join(60)
        return results, spy.shapes[1:]

    def test_a_client_that_left(self, batched):
        """Alone in its batch: the model is not run again."""
        (result,), shapes = self.held(batched, (Leaving(), [[1]]), max_batch_size=4)
        assert isinstance(result, CancelledError)
        assert shapes == []

    def test_a_deadline_that_passed(self, batched):
        """The same for a time that is over."""
        (result,), shapes = self.held(batched, (Staying(seconds=0.0), [[1]]), max_batch_size=4)
        assert isinstance(result, DeadlineExceededError)
        assert shapes == []

    def test_the_others_of_its_batch_are_answered(self, batched):
        """Their rows alone run, padded to an allowed size again, and each gets its own."""
        results, shapes = self.held(
            batched,
            (Staying(), [[1], [2]]),
            (Leaving(), [[3], [4]]),
            (Staying(), [[5]]),
            max_batch_size=8,
            allowed_batch_sizes=(4, 8),
        )
        assert [result.ravel().tolist() for result in results[::2]] == [[2, 4], [10]]
        assert isinstance(results[1], CancelledError)
        assert sum(rows for rows, _ in shapes) in (4, 8)  # one batch, or two of four
