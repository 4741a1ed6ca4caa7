"""Queues of TensorFlow's BatchFunction op: they wait, split, pad to the allowed sizes and refuse."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from tfdeconv.serving.config.batching_parameters import BatchingParameters

Array = np.ndarray[Any, Any]
# Graph tensors that are fed, and those that are read: only runs that agree on both can share a batch.
Key = tuple[frozenset[str], frozenset[str]]
_INT32_MAX = (1 << 31) - 1
# The op stays in its graph for good, and the clients choose the filters.
MOST_UNDECLARED = 64

_log = logging.getLogger(__name__)


class BatchQueues:
    """One queue for each pair of feeds and fetches, and one pool of threads for all.

    As in TensorFlow Serving, a pair that no signature declares (an output filter, a MultiInference) gets
    its queue with its first run.

    Args:
        declared: The pairs of the signatures.
        parameters: How to batch.
        run: Called in a thread of the pool with the row numbers of a batch and the sorted fetches.
    """

    def __init__(
        self,
        declared: Iterable[Key],
        parameters: BatchingParameters,
        run: Callable[[Array, tuple[str, ...]], None],
    ) -> None:
        self._parameters, self._run = parameters, run
        self._graph = tf.Graph()
        # Functions of the op block a thread for as long as the model runs: they must not take the
        # threads that the model's own session shares with the rest of the process.
        config = config_pb2.ConfigProto(
            use_per_session_threads=True, inter_op_parallelism_threads=parameters.num_batch_threads + 2
        )
        config.device_count["GPU"] = 0
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        self._growing = threading.Lock()
        declared = sorted(declared, key=lambda key: (sorted(key[0]), sorted(key[1])))
        with self._graph.as_default():
            places = {key: self._op(key) for key in declared}
        self._queues = {key: self._callable(*place) for key, place in places.items()}
        self._most = len(self._queues) + MOST_UNDECLARED

    def get(self, feeds: Iterable[str], fetches: Iterable[str]) -> Callable[[Array], object] | None:
        """Return what queues row numbers and waits until they have run; None if there are too many queues."""
        key = frozenset(feeds), frozenset(fetches)
        queue = self._queues.get(key)
        if queue is not None or not all(key):
            return queue
        with self._growing:
            if key not in self._queues:
                if len(self._queues) == self._most:
                    return None
                with self._graph.as_default():
                    place = self._op(key)
                self._queues[key] = self._callable(*place)
                if len(self._queues) == self._most:
                    _log.warning(
                        "%d queues for requests with other outputs than a signature's are in use: "
                        "further choices of outputs run unbatched.",
                        MOST_UNDECLARED,
                    )
            return self._queues[key]

    def _callable(self, rows: str, done: str) -> Callable[[Array], object]:
        options = config_pb2.CallableOptions(feed=[rows], fetch=[done])
        made: Callable[[Array], object] = self._session._make_callable_from_options(options)
        return made

    def _op(self, key: Key) -> tuple[str, str]:
        """Add the op of one queue; return the names of its input and output."""
        names = tuple(sorted(key[1]))
        parameters = self._parameters
        sizes = parameters.allowed_batch_sizes
        if not sizes and parameters.execution_size < parameters.max_batch_size:
            # The op takes its limit when splitting from the last size. What it pads is dropped again.
            sizes = (parameters.execution_size,)

        def run(rows: Array) -> Array:
            self._run(rows, names)
            return rows

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
        def batch(rows: tf.Tensor) -> tf.Tensor:
            done = tf.numpy_function(run, [rows], tf.int64)
            done.set_shape([None])
            return done

        placeholder = tf.compat.v1.placeholder(tf.int64, [None])
        (done,) = tf.raw_ops.BatchFunction(
            in_tensors=[placeholder],
            captured_tensors=[],
            f=batch.get_concrete_function(),
            Tout=[tf.int64],
            num_batch_threads=parameters.num_batch_threads,
            # The op's numbers have 32 bits, the file's 64.
            max_batch_size=min(parameters.max_batch_size, _INT32_MAX),
            batch_timeout_micros=min(parameters.batch_timeout_micros, _INT32_MAX),
            max_enqueued_batches=min(parameters.max_enqueued_batches, _INT32_MAX),
            allowed_batch_sizes=sizes,
            enable_large_batch_splitting=parameters.enable_large_batch_splitting,
            # One pool of threads for the version, one queue for each signature.
            shared_name=parameters.thread_pool_name,
            batching_queue=placeholder.op.name,
        )
        return placeholder.name, done.name

    def close(self) -> None:
        """Release the threads; no run may be waiting."""
        self._session.close()
