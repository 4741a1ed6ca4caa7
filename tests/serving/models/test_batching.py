"""Batching: every field of BatchingParameters does what it says, and the errors are those of the table."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from batched_models import ask, run_all

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError, UnavailableError
from tfdeconv.serving.models import batch_queues

LONG = 60_000_000  # a batch that is not full waits a minute: only a full one runs


def filtered(model, value, *outputs, rows=(1, 1)):
    """Ask signature ``two`` for some of its outputs, with the value as each element of its first input."""
    two = model.signatures["two"]
    feeds = {
        two.inputs["a"].tensor_name: np.full((rows[0], 2), value, np.float32),
        two.inputs["b"].tensor_name: np.full(rows[1], value, np.int32),
    }
    return lambda: model.run(feeds, [two.outputs[name].tensor_name for name in outputs])


class TestBatches:
    def test_full_batch_runs_once_and_everyone_gets_their_rows(self, batched):
        """Requests of one to three rows fill a batch of six, which runs at once."""
        model, spy = batched(max_batch_size=6, batch_timeout_micros=LONG, num_batch_threads=1)
        answers = run_all(ask(model, [[1]]), ask(model, [[2], [3]]), ask(model, [[4], [5], [6]]))
        assert [answer.ravel().tolist() for answer in answers] == [[2], [4, 6], [8, 10, 12]]
        assert spy.shapes == [(6, 1)]

    def test_timeout_runs_a_batch_that_is_not_full(self, batched):
        """A lone request waits no longer than batch_timeout_micros."""
        model, spy = batched(max_batch_size=8, batch_timeout_micros=1000, num_batch_threads=1)
        assert ask(model, [[1], [2]])().ravel().tolist() == [2, 4]
        assert spy.shapes == [(2, 1)]

    def test_batches_are_padded_to_an_allowed_size(self, batched):
        """Three rows run as four; the surplus row is nobody's."""
        model, spy = batched(
            max_batch_size=8, allowed_batch_sizes=(2, 4, 8), batch_timeout_micros=1000, num_batch_threads=1
        )
        assert ask(model, [[1], [2], [3]])().ravel().tolist() == [2, 4, 6]
        assert spy.shapes == [(4, 1)]

    def test_large_request_is_split(self, batched):
        """With splitting, seven rows run as at most three at once, and come back in order."""
        model, spy = batched(
            max_batch_size=8,
            enable_large_batch_splitting=True,
            max_execution_batch_size=3,
            batch_timeout_micros=1000,
            num_batch_threads=2,
        )
        answer = ask(model, [[value] for value in range(7)])()
        assert answer.ravel().tolist() == [0, 2, 4, 6, 8, 10, 12]
        assert sorted(shape[0] for shape in spy.shapes) == [1, 3, 3]

    def test_variable_lengths_are_padded_with_the_first_element(self, batched):
        """Rows of three and five columns run as five columns; the filler repeats the row's first value."""
        model, spy = batched(
            max_batch_size=2, batch_timeout_micros=LONG, num_batch_threads=1, pad_variable_length_inputs=True
        )
        short, long = run_all(ask(model, [[1, 2, 3]]), ask(model, [[4, 5, 6, 7, 8]]))
        assert spy.shapes == [(2, 5)]
        assert short.tolist() == [[2, 4, 6, 2, 2]]
        assert long.tolist() == [[8, 10, 12, 14, 16]]

    def test_signatures_have_queues_of_their_own(self, batched):
        """Requests of different signatures never share a batch."""
        model, spy = batched(max_batch_size=2, batch_timeout_micros=20_000, num_batch_threads=1)
        image = np.zeros((1, 2, 2, 3), np.float32)
        run_all(ask(model, [[1]]), ask(model, image, "blur"))
        assert sorted(spy.shapes) == [(1, 1), (1, 2, 2, 3)]

    def test_filtered_outputs_share_a_batch(self, batched):
        """Runs that ask for the same outputs, though no signature has just those, are batched together."""
        model, spy = batched(max_batch_size=2, batch_timeout_micros=LONG, num_batch_threads=1)
        first, second = run_all(filtered(model, 1, "sum"), filtered(model, 2, "sum"))
        assert [value.tolist() for value in (*first, *second)] == [[2], [4]]
        assert sorted(spy.shapes) == [(2,), (2, 2)]

    def test_filters_have_queues_of_their_own(self, batched):
        """The outputs asked for decide who shares a batch, their order does not."""
        model, spy = batched(max_batch_size=2, batch_timeout_micros=LONG, num_batch_threads=1)
        outputs = model.signatures["two"].outputs
        both, turned, *alone = run_all(
            filtered(model, 1, *outputs),
            filtered(model, 2, *reversed(outputs)),
            *(filtered(model, value, "sum") for value in (3, 4)),
        )
        names = list(outputs)
        assert both[names.index("sum")].tolist() == [2]
        assert turned[names[::-1].index("sum")].tolist() == [4]
        assert [value.tolist() for (value,) in alone] == [[6], [8]]
        assert len(spy.shapes) == 4  # two batches of two inputs

    def test_rows_of_filtered_runs_must_agree(self, batched):
        """What a declared signature is refused for, a filtered run is too."""
        model, _ = batched(max_batch_size=2, batch_timeout_micros=LONG, num_batch_threads=1)
        with pytest.raises(InvalidRequestError, match="equal 0th-dimension size"):
            filtered(model, 1, "sum", rows=(1, 2))()

    def test_examples_of_several_signatures_share_a_batch(self, batched):
        """Two MultiInferences that feed two signatures' inputs with the same rows run as one."""
        model, spy = batched(max_batch_size=2, batch_timeout_micros=LONG, num_batch_threads=1)
        one, two = model.signatures["serving_default"], model.signatures["two"]
        feeds = [one.inputs["x"].tensor_name, two.inputs["a"].tensor_name, two.inputs["b"].tensor_name]
        fetches = [one.outputs["y"].tensor_name, two.outputs["sum"].tensor_name]

        def infer(value):
            values = np.full((1, 1), value, np.float32), np.full((1, 2), value, np.float32)
            rows = dict(zip(feeds, (*values, np.zeros(1, np.int32)), strict=True))
            return lambda: model.run(rows, fetches)

        answers = run_all(infer(1), infer(2))
        values = [[value.ravel().tolist() for value in answer] for answer in answers]
        assert values == [[[2], [2]], [[4], [4]]]
        assert sorted(spy.shapes) == [(2,), (2, 1), (2, 2)]

    def test_clients_cannot_make_queues_without_end(self, batched, monkeypatch, caplog):
        """Each new filter takes memory for good: past the limit runs go to the model alone, said once."""
        monkeypatch.setattr(batch_queues, "MOST_UNDECLARED", 1)
        model, spy = batched(max_batch_size=8, batch_timeout_micros=1000, num_batch_threads=1)
        other = next(name for name in model.signatures["two"].outputs if name != "sum")
        filtered(model, 1, "sum")()
        spy.shapes.clear()
        with pytest.raises(InvalidRequestError, match="equal 0th"):
            filtered(model, 1, "sum", rows=(1, 2))()
        filtered(model, 1, other)()
        assert len(caplog.messages) == 1
        assert "further choices of outputs run unbatched" in caplog.text


class TestErrors:
    def test_request_larger_than_a_batch(self, batched):
        """The message is the scheduler's own."""
        model, _ = batched(max_batch_size=64)
        with pytest.raises(InvalidRequestError) as caught:
            ask(model, np.ones((65, 1)))()
        assert str(caught.value) == "Task size 65 is larger than maximum input batch size 64"

    def test_full_queue(self, batched):
        """With one batch running and one waiting, the next request is refused."""
        model, spy = batched(max_batch_size=1, max_enqueued_batches=1, num_batch_threads=1)
        spy.gate.clear()
        results: list[object] = []
        threads = [
            threading.Thread(target=lambda: results.extend(run_all(ask(model, [[1]])))) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        assert spy.entered.acquire(timeout=60)
        refused = threading.Event()
        while not refused.is_set():
            if any(isinstance(result, UnavailableError) for result in results):
                refused.set()
            refused.wait(0.005)
        spy.gate.set()
        for thread in threads:
            thread.join(60)
        messages = {str(result) for result in results if isinstance(result, Exception)}
        assert messages == {
            "The batch scheduling queue to which this task was submitted is full; currently 1 batches "
            "enqueued and max_enqueued_batches is 1"
        }
        assert any(isinstance(result, np.ndarray) for result in results)

    def test_different_shapes_without_padding(self, batched):
        """Every request of the mixed batch gets the sentence of the table."""
        model, _ = batched(max_batch_size=2, batch_timeout_micros=LONG, num_batch_threads=1)
        answers = run_all(ask(model, [[1]]), ask(model, [[1, 2]]))
        for answer in answers:
            assert isinstance(answer, FailedPreconditionError)
            assert str(answer).startswith(
                "Tensors with name 'serving_default_x:0' from different tasks have different shapes and "
                "padding is turned off. Set pad_variable_length_inputs to true, "
            )

    def test_inputs_that_disagree_on_rows(self, batched):
        """All inputs of a request have the same number of rows, and at least one dimension."""
        model, _ = batched(max_batch_size=2)
        two = model.signatures["two"]
        names = {alias: spec.tensor_name for alias, spec in two.inputs.items()}
        fetches = [spec.tensor_name for spec in two.outputs.values()]
        with pytest.raises(InvalidRequestError, match="must have equal 0th-dimension size"):
            model.run({names["a"]: np.ones((2, 2), np.float32), names["b"]: np.ones(1, np.int32)}, fetches)
        with pytest.raises(InvalidRequestError, match="must have at least one dimension"):
            model.run({names["a"]: np.ones((1, 2), np.float32), names["b"]: np.int32(1)[()]}, fetches)

    def test_error_of_the_graph_reaches_the_request(self, batched):
        """A wrong dtype is found before the batch; a wrong value fails as it does without batching."""
        model, _ = batched(max_batch_size=2, batch_timeout_micros=1000)
        with pytest.raises(InvalidRequestError, match=r"Expects arg\[0\] to be string but float"):
            ask(model, [1.0], "classify")()
        spec = model.signatures["classify"]
        feed = spec.inputs["inputs"].tensor_name
        with pytest.raises(InvalidRequestError, match="Could not parse example"):
            model.run(
                {feed: np.array([b"no example"], object)},
                [output.tensor_name for output in spec.outputs.values()],
            )
