"""Ray Data, from a source that is read as it is needed to results that are given out as they come."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import tfdeconv
from tfdeconv.cluster.session import ClusterError
from tfdeconv.errors import FileError, InvalidArgumentError, TfdeconvError
from tfdeconv.extras import require

_AHEAD = 64 << 10  # bytes of items and results that wait for each worker; beyond them the source does
_TRIES = 3  # of an item whose worker dies


class _Refused(NamedTuple):
    """Why a worker cannot do anything at all; ``wrong``: an argument is."""

    reason: str
    wrong: bool = False


def work(
    ray: Any,
    items: Callable[[], Iterable[Any]],
    make_worker: Callable[[], Callable[[Any], Any]],
    *,
    workers: int | None = None,
    together: int = 1,
) -> Iterator[Any]:
    """Yield the results of a function of all items, in no order, as they are done.

    Neither items nor results are ever all in memory: the source is read as far as work is ready for it. An
    item whose worker, or whose worker's node, dies is given to another one, three times in all; one that
    survives none has no result. So the function must do no harm when it is repeated.

    Args:
        ray: The module, connected (:func:`~tfdeconv.cluster.session.session`).
        items: Called on this node, perhaps again after a failure, for what shall be worked on.
        make_worker: Called once in each worker; what it returns is called with each item. It and the
            items are pickled.
        workers: Processes. Defaults to one for each CPU of the cluster.
        together: Items that go to a process at once. They share its fate: where one brings it down,
            none has a result.

    Raises:
        InvalidArgumentError: ``make_worker`` raises that in a worker.
        ClusterError: It raises something else, or the function does, or the cluster is lost.
    """
    data = require("ray.data", extra="cluster", feature="--engine ray")
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # byte: a block for each row, so that they are spread
    context.max_errored_blocks = -1
    if _Unkept not in context.custom_execution_callback_classes:
        context.custom_execution_callback_classes.append(_Unkept)
    most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    limits = context.execution_options.resource_limits
    context.execution_options.resource_limits = limits.copy(object_store_memory=most * _AHEAD)
    here = ray.get_runtime_context().get_node_id()
    source = data.read_datasource(
        _source(data, items, together),
        override_num_blocks=1,
        num_cpus=0,
        label_selector={"ray.io/node-id": here},
    )
    done = source.map_batches(
        _Worker,
        fn_constructor_args=(pickle.dumps(make_worker), tfdeconv.__version__),
        batch_size=None,
        batch_format="numpy",
        compute=data.ActorPoolStrategy(min_size=workers or 1, max_size=most, initial_size=most),
        num_cpus=1,
        max_restarts=-1,
        max_task_retries=_TRIES - 1,
    )
    try:
        for batch in done.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
            for result in itertools.chain.from_iterable(map(pickle.loads, batch["results"])):
                if isinstance(result, _Refused):
                    raise InvalidArgumentError(result.reason) if result.wrong else ClusterError(result.reason)
                yield result
    except ray.exceptions.RayError as error:
        raise ClusterError(f"The Ray cluster failed: {str(error).strip().splitlines()[0]}.") from error


class _Unkept:
    """Removes what Ray Data notes of each block, for statistics of the run that nobody asks for.

    It would keep them all, so that memory grew with the number of items. This is its interface of callbacks.
    """

    def before_execution_starts(self, executor: Any) -> None:
        """Nothing is noted yet."""

    def on_execution_step(self, executor: Any) -> None:
        """Forget, in the thread in which notes are made."""
        for operator in executor._topology:
            for notes in operator.get_stats().values():
                notes.clear()

    def after_execution_succeeds(self, executor: Any) -> None:
        """The notes go with the run."""

    def after_execution_fails(self, executor: Any, error: Exception) -> None:
        """The notes go with the run."""


class _Worker:
    """What runs in the processes of the cluster."""

    def __init__(self, make_worker: bytes, version: str) -> None:
        self._refused: _Refused | None = None
        try:
            if version != tfdeconv.__version__:
                raise ClusterError(
                    f"has tfdeconv {tfdeconv.__version__}, and this machine {version}; results would differ"
                )
            self._work = pickle.loads(make_worker)()
        except Exception as error:  # raised here, Ray would try for ever
            self._refused = _refusal("a worker cannot start", error)

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, list[bytes]]]:
        for blob in batch["items"]:
            results = [self._refused or self._do(item) for item in pickle.loads(blob)]
            yield {"results": [pickle.dumps(results)]}

    def _do(self, item: Any) -> Any:
        try:
            return self._work(item)
        except Exception as error:
            return _refusal("a worker cannot go on", error)


def _refusal(what: str, error: Exception) -> _Refused:
    reason = (" ".join(str(error).split()) or type(error).__name__).rstrip(".")
    if isinstance(error, InvalidArgumentError) and not isinstance(error, FileError):
        return _Refused(f"{reason}.", wrong=True)
    known = isinstance(error, TfdeconvError)
    return _Refused(f"{what}: {reason if known else f'{type(error).__name__}: {reason}'}.")


def _source(data: Any, items: Callable[[], Iterable[Any]], together: int) -> Any:
    """A source of Ray Data that reads ``items`` in one task, which waits while nobody needs more."""
    import pyarrow
    from ray.data.block import BlockMetadata

    def read() -> Iterator[Any]:
        waiting = iter(items())
        while group := list(itertools.islice(waiting, together)):
            yield pyarrow.table({"items": [pickle.dumps(group)]})

    class Items(data.Datasource):
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[Any]:
            facts = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None)
            return [data.ReadTask(read, facts)]

    return Items()
