"""What a batch is made of, and what each of its requests gets back, over models that are plain functions."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

from tfdeconv.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidRequestError,
    ResourceExhaustedError,
)
from tfdeconv.serving.config.batching_parameters import BatchingParameters
from tfdeconv.serving.models.batching import BatchedModel
from tfdeconv.serving.models.saved_model_proto import Signature, TensorSpec
from tfdeconv.wire import dtypes

LONG = 60_000_000  # a batch that is not full waits a minute: only a full one runs


@pytest.fixture(autouse=True)
def _seen_by_coverage(monkeypatch):
    """Batches run on threads of TensorFlow, which a tracer of Python's does not follow by itself."""
    run_batch = BatchedModel._run_batch

    def traced(self, rows, fetches):
        sys.settrace(threading.gettrace())
        try:
            run_batch(self, rows, fetches)
        finally:
            sys.settrace(None)

    monkeypatch.setattr(BatchedModel, "_run_batch", traced)


class Function:
    """A model of one input and one output that any rank and dtype may be fed to."""

    def __init__(self, function=lambda x: x):
        self._function = function
        self.fed = []
        spec = TensorSpec("x:0", dtypes.FLOAT, None), TensorSpec("y:0", dtypes.FLOAT, None)
        self.signatures = {"f": Signature("f", "", {"x": spec[0]}, {"y": spec[1]}, {})}
        self.signature_defs = {}
        self.closed = False

    def run(self, feeds, fetches):
        self.fed.append(feeds["x:0"])
        return [self._function(feeds["x:0"]) for _ in fetches]

    def check_feeds(self, feeds):
        if feeds["x:0"].dtype.kind == "U":
            raise InvalidRequestError("text")

    def least_answer_bytes(self, feeds, fetches):
        return feeds["x:0"].nbytes

    def close(self):
        self.closed = True


@pytest.fixture
def answers():
    """Make ``call(function, *arrays, **parameters)``: one full batch of all arrays, and what each gets."""
    made = []

    def call(function, *arrays, **parameters):
        rows = sum(len(array) for array in arrays if array.dtype.kind != "U")
        settings = {
            "max_batch_size": rows,
            "batch_timeout_micros": LONG,
            "num_batch_threads": 1,
            **parameters,
        }
        model = BatchedModel(function, BatchingParameters(**settings))
        made.append(model)
        found = [None] * len(arrays)

        def run(index):
            try:
                (found[index],) = model.run({"x:0": arrays[index]}, ["y:0"])
            except Exception as error:
                found[index] = error

        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(arrays))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return found

    yield call
    for model in made:
        model.close()


def only_message(found):
    (text,) = {str(error) for error in found}
    return text


def test_a_bad_request_leaves_its_batch_alone(answers):
    """What is wrong with one request by itself is found before it joins the others."""
    first, bad, second = answers(Function(), np.float32([[1]]), np.array(["x"]), np.float32([[2]]))
    assert isinstance(bad, InvalidRequestError)
    assert (first.tolist(), second.tolist()) == ([[1]], [[2]])


def test_padding_to_the_largest_of_each_axis(answers):
    """Each is padded behind with its own first value; what fits already is left as it is."""
    wide, tall = np.float32([[[1, 2, 3]]]), np.float32([[[4], [5]]])
    found = answers(Function(), wide, tall, pad_variable_length_inputs=True)
    assert [array.tolist() for array in found] == [[[[1, 2, 3], [1, 1, 1]]], [[[4, 4, 4], [5, 4, 4]]]]


def test_padding_of_strings(answers):
    """Bytes are padded as they are, zeros at their end included."""
    short, long = np.array([[b"a\0"]], object), np.array([[b"b", b"c"]], object)
    found = answers(Function(), short, long, pad_variable_length_inputs=True)
    assert [array.tolist() for array in found] == [[[b"a\0", b"a\0"]], [[b"b", b"c"]]]


def test_padding_without_values(answers):
    """Nothing can be repeated of an empty one; where all become empty, nothing has to be."""
    found = answers(Function(), np.zeros((1, 0)), np.ones((1, 2)), pad_variable_length_inputs=True)
    assert only_message(found) == "Got empty tensor in batch of non-empty tensors."
    found = answers(Function(), np.zeros((1, 0, 2)), np.zeros((1, 0, 5)), pad_variable_length_inputs=True)
    assert [array.shape for array in found] == [(1, 0, 5), (1, 0, 5)]


def test_padding_of_ranks(answers):
    """One rank, from 1 to 6."""
    found = answers(Function(), np.ones((1, 2)), np.ones((1, 2, 2)), pad_variable_length_inputs=True)
    assert only_message(found) == "Tensors of different ranks cannot be padded to one size."
    seven = np.ones([1] * 7), np.ones([1] * 6 + [2])
    found = answers(Function(), *seven, pad_variable_length_inputs=True)
    assert only_message(found) == "Only tensors with rank from 1 to 6 can be padded."
    assert all(isinstance(error, InvalidRequestError) for error in found)


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (np.sum, FailedPreconditionError, "Batched output tensor has 0 dimensions"),
        (
            lambda x: x[:1],
            FailedPreconditionError,
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
            "input tensors",
        ),
        (lambda x: 1 / 0, InternalError, "Running a batch failed: division by zero"),
    ],
)
def test_a_batch_that_fails(answers, function, kind, message):
    """All its requests get an error of their own: one object would collect the traces of all threads."""
    found = answers(Function(function), np.ones((1, 2)), np.ones((1, 2)))
    assert {type(error) for error in found} == {kind}
    assert only_message(found) == message
    assert found[0] is not found[1]


def test_the_models_own_error_keeps_its_class(answers):
    """A request that the model refuses is refused as it is without batching."""

    def refuse(x):
        raise ResourceExhaustedError("no room")

    (error,) = answers(Function(refuse), np.ones((2, 2)))
    assert (type(error), str(error)) == (ResourceExhaustedError, "no room")


def test_a_request_without_rows_runs_alone(answers):
    """There is nothing to put together with others."""
    model = Function()
    (found,) = answers(model, np.zeros((0, 3)), max_batch_size=4)
    assert found.shape == model.fed[0].shape == (0, 3)


def test_split_over_batches_and_joined(answers):
    """A request of more rows than run at once comes back whole, and none of its pieces is padded."""
    model = Function(lambda x: -x)
    (found,) = answers(
        model,
        np.arange(10.0),
        max_batch_size=16,
        batch_timeout_micros=1000,
        enable_large_batch_splitting=True,
        max_execution_batch_size=4,
    )
    assert found.tolist() == (-np.arange(10.0)).tolist()
    assert sorted(len(array) for array in model.fed) == [2, 4, 4]


def test_split_and_padded_to_allowed_sizes(answers):
    """The last piece is padded to an allowed size where there are some."""
    model = Function()
    (found,) = answers(
        model,
        np.arange(5.0),
        max_batch_size=8,
        batch_timeout_micros=1000,
        enable_large_batch_splitting=True,
        max_execution_batch_size=4,
        allowed_batch_sizes=(2, 4),
    )
    assert found.tolist() == [0, 1, 2, 3, 4]
    assert sorted(len(array) for array in model.fed) == [2, 4]


@pytest.mark.parametrize("splitting", [False, True])
def test_limits_that_nobody_reaches(answers, splitting):
    """Numbers of the file that only mean "any" cost neither memory nor time."""
    started = time.process_time()
    (found,) = answers(
        Function(),
        np.arange(3.0),
        max_batch_size=1 << 40,
        max_enqueued_batches=1 << 40,
        batch_timeout_micros=0,
        enable_large_batch_splitting=splitting,
    )
    assert found.tolist() == [0, 1, 2]
    assert time.process_time() - started < 5


def test_what_is_told_of_waiting_and_of_batches():
    """Each request's time in the queue once, each batch's time once."""
    waited, took = [], []
    model = BatchedModel(
        Function(),
        BatchingParameters(max_batch_size=4, num_batch_threads=1, enable_large_batch_splitting=True),
        on_task=waited.append,
        on_batch=took.append,
    )
    model.run({"x:0": np.ones(3)}, ["y:0", "y:0"])
    assert len(waited) == len(took) == 1
    assert min(*waited, *took) >= 0
    assert model.least_answer_bytes({"x:0": np.ones(3)}, ["y:0"]) == 24
    model.close()


def test_closing_closes_the_model():
    """The batches' model ends with them."""
    function = Function()
    BatchedModel(function, BatchingParameters()).close()
    assert function.closed
