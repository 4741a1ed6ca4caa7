"""Dynamic batching: TensorFlow's BatchFunction op forms the batches, a loaded model runs them.

What goes through the op is not the tensors but one number for each row, which says whose row it is. The
op queues, waits, splits, pads to the allowed sizes and refuses, exactly as in TensorFlow Serving, which
uses the same scheduler; its function looks the rows up, puts them together and runs the model. So rows
of different sizes can be padded, and a TensorFlow 1 graph is batched without being rewritten.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfdeconv.errors import FailedPreconditionError, InternalError, InvalidRequestError, ServingError
from tfdeconv.serving import cancellation
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.config.batching_parameters import BatchingParameters
from tfdeconv.serving.models import saved_model_proto
from tfdeconv.serving.models.batch_queues import BatchQueues, Key
from tfdeconv.serving.models.model import Model
from tfdeconv.serving.models.saved_model_proto import Signature
from tfdeconv.wire import status_codes

Array = np.ndarray[Any, Any]
Observer = Callable[[float], None]
# A row's number is the request's number above this many bits, and the row's index in them.
_ROW_BITS = 24
_ROW_MASK = (1 << _ROW_BITS) - 1


@dataclasses.dataclass(slots=True)
class _Request:
    feeds: Mapping[str, Array]
    rows: int
    enqueued: float
    waiting: Cancellation
    # First row -> fetched values of the rows from there on; several where the request was split.
    pieces: dict[int, list[Array]] = dataclasses.field(default_factory=dict)
    failure: ServingError | None = None


class BatchedModel:
    """A loaded model that runs requests in batches: those that feed and fetch the same tensors together.

    Args:
        model: The loaded model; closed with this one.
        parameters: How to batch.
        on_task: Called with the seconds that a request has waited. Defaults to nothing.
        on_batch: Called with the seconds that a batch took. Defaults to nothing.
    """

    def __init__(
        self,
        model: Model,
        parameters: BatchingParameters,
        *,
        on_task: Observer | None = None,
        on_batch: Observer | None = None,
    ) -> None:
        self._model = model
        self._parameters = parameters
        self._on_task, self._on_batch = on_task, on_batch
        self._requests: dict[int, _Request] = {}
        self._numbers = itertools.count(1)
        self._queues = BatchQueues(_batchable(model.signatures), parameters, self._run_batch)

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """Signatures by name."""
        return self._model.signatures

    @property
    def signature_defs(self) -> Mapping[str, meta_graph_pb2.SignatureDef]:
        """Their messages by name."""
        return self._model.signature_defs

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> list[Array]:
        """Return the values of graph tensors; see ``SessionModel.run``.

        A request whose client leaves, or whose deadline passes, while it waits in the queue is not run.

        Raises:
            InvalidRequestError: The request has more rows than a batch, or its inputs disagree on them.
            UnavailableError: Too many batches wait.
            FailedPreconditionError: Sizes within the batch differ and padding is off.
        """
        call = self._queues.get(feeds, fetches)
        rows = _rows(feeds) if call is not None else 0
        if call is None or not rows:
            return self._model.run(feeds, fetches)
        self._model.check_feeds(feeds)
        request = _Request(feeds, rows, time.monotonic(), cancellation.current())
        number = next(self._numbers)
        self._requests[number] = request
        try:
            call(np.arange(rows, dtype=np.int64) + (number << _ROW_BITS))
        except tf.errors.OpError as error:
            message = error.message.partition("\n\t [[")[0]
            raise status_codes.error_of(error.error_code, message) from None
        finally:
            del self._requests[number]
        if request.failure is not None:
            # One exception object in several threads would collect all their tracebacks.
            raise type(request.failure)(str(request.failure))
        values = _joined(request)
        by_name = dict(zip(sorted(set(fetches)), values, strict=True))
        return [by_name[name] for name in fetches]

    def least_answer_bytes(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> int:
        """Return what one request's values take at least; see ``SessionModel.least_answer_bytes``."""
        return self._model.least_answer_bytes(feeds, fetches)

    def check_feeds(self, feeds: Mapping[str, Array]) -> None:
        """Check the values of one request; see ``SessionModel.run``."""
        self._model.check_feeds(feeds)

    def _run_batch(self, rows: Array, fetches: tuple[str, ...]) -> None:
        started = time.monotonic()
        if not self._parameters.allowed_batch_sizes:
            rows = _without_padding(rows)
        rows = self._still_awaited(rows)
        if not rows.size:
            return
        tasks = [(self._requests[number], first, count) for number, first, count in _runs(rows)]
        if self._on_task is not None:
            for request in {id(request): request for request, _, _ in tasks}.values():
                self._on_task(started - request.enqueued)
        failure: ServingError | None = None
        try:
            self._run_tasks(tasks, fetches, len(rows))
        except ServingError as error:
            failure = error
        except Exception as error:
            failure = InternalError(f"Running a batch failed: {error}")
        if failure is not None:
            for request, _, _ in tasks:
                request.failure = failure
        if self._on_batch is not None:
            self._on_batch(time.monotonic() - started)

    def _still_awaited(self, rows: Array) -> Array:
        """Drop the rows of requests that nobody waits for any longer; pad what is left to an allowed size."""
        numbers = rows >> _ROW_BITS
        gone = []
        for number in dict.fromkeys(numbers.tolist()):
            request = self._requests[number]
            try:
                request.waiting.check()
            except ServingError as error:
                request.failure = error
                gone.append(number)
        if not gone:
            return rows
        kept = _without_padding(rows[~np.isin(numbers, gone)])
        allowed = [size for size in self._parameters.allowed_batch_sizes if size >= len(kept)]
        return np.append(kept, np.repeat(kept[:1], allowed[0] - len(kept))) if allowed and kept.size else kept

    def _run_tasks(
        self, tasks: Sequence[tuple[_Request, int, int]], fetches: tuple[str, ...], rows: int
    ) -> None:
        feeds = {
            name: _merge(
                name,
                [request.feeds[name][first : first + count] for request, first, count in tasks],
                pad=self._parameters.pad_variable_length_inputs,
            )
            for name in tasks[0][0].feeds
        }
        values = self._model.run(feeds, fetches)
        for value in values:
            if value.ndim == 0:
                raise FailedPreconditionError("Batched output tensor has 0 dimensions")
            if value.shape[0] != rows:
                raise FailedPreconditionError(
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
                    "sizes of the input tensors"
                )
        start = 0
        for request, first, count in tasks:
            # Padding repeats a row that has its value already.
            request.pieces.setdefault(first, [value[start : start + count] for value in values])
            start += count

    def close(self) -> None:
        """Release the op's threads and the model; no request may be running."""
        self._queues.close()
        self._model.close()


def _batchable(signatures: Mapping[str, Signature]) -> set[Key]:
    return {
        (
            frozenset(spec.tensor_name for spec in signature.inputs.values()),
            frozenset(spec.tensor_name for spec in signature.outputs.values()),
        )
        for name, signature in signatures.items()
        if name != saved_model_proto.INIT_SIGNATURE and signature.inputs and signature.outputs
    }


def _rows(feeds: Mapping[str, Array]) -> int:
    counts = set()
    for value in feeds.values():
        if value.ndim == 0:
            raise InvalidRequestError("Batching Run() input tensors must have at least one dimension")
        counts.add(value.shape[0])
    if len(counts) != 1:
        raise InvalidRequestError("Batching Run() input tensors must have equal 0th-dimension size")
    (count,) = counts
    if count > _ROW_MASK:
        raise InvalidRequestError(f"Task size {count} is larger than maximum input batch size {_ROW_MASK}")
    return int(count)


def _without_padding(rows: Array) -> Array:
    """Drop the rows that the op has repeated to come to an allowed size."""
    first = np.unique(rows, return_index=True)[1]
    return rows if len(first) == len(rows) else rows[np.sort(first)]


def _runs(rows: Array) -> Iterator[tuple[int, int, int]]:
    """Yield request number, first row and count of each run of consecutive rows."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for start, stop in itertools.pairwise([0, *breaks.tolist(), len(rows)]):
        first = int(rows[start])
        yield first >> _ROW_BITS, first & _ROW_MASK, stop - start


def _merge(name: str, parts: list[Array], *, pad: bool) -> Array:
    if len(parts) == 1:
        return parts[0]
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        if not pad:
            raise FailedPreconditionError(
                f"Tensors with name '{name}' from different tasks have different shapes and padding is "
                "turned off. Set pad_variable_length_inputs to true, or ensure that all tensors with the "
                "same name have equal dimensions starting with the first dim."
            )
        parts = _padded(parts)
    return np.concatenate(parts)


def _padded(parts: list[Array]) -> list[Array]:
    """Pad each part behind, with its own first element as TensorFlow Serving does, to the largest sizes."""
    if len({part.ndim for part in parts}) > 1:
        raise InvalidRequestError("Tensors of different ranks cannot be padded to one size.")
    if parts[0].ndim > 6:
        raise InvalidRequestError("Only tensors with rank from 1 to 6 can be padded.")
    sizes = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].ndim)]
    padded = []
    for part in parts:
        target = np.empty((part.shape[0], *sizes), part.dtype)
        if target.size and not part.size:
            raise InvalidRequestError("Got empty tensor in batch of non-empty tensors.")
        if target.size > part.size:
            target.fill(part.flat[0])
        target[tuple(slice(size) for size in part.shape)] = part
        padded.append(target)
    return padded


def _joined(request: _Request) -> list[Array]:
    pieces = [request.pieces[first] for first in sorted(request.pieces)]
    if len(pieces) == 1:
        return pieces[0]
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
