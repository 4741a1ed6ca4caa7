"""The blocking and the awaiting client: doors to the flows of a session."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

from numpy.typing import NDArray

from tfdeconv.client.exchange.flow import AsyncTransport, Flow, Transport, run, run_async
from tfdeconv.client.exchange.many import Progress, map_tasks, map_threads
from tfdeconv.client.exchange.session import PredictOptions, Session
from tfdeconv.client.exchange.transports import Transports
from tfdeconv.errors import FailedPreconditionError

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(flow: Callable[Concatenate[Session, P], Flow[T]]) -> Callable[Concatenate[Client, P], T]:
    """Return the method of Client that runs a flow of Session."""

    @functools.wraps(flow)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise _closed()
        return run(flow(self._session, *args, **kwargs), self._transports)

    _present(method, "Client")
    return method


def _awaiting(
    flow: Callable[Concatenate[Session, P], Flow[T]],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    """Return the coroutine method of AsyncClient that runs a flow of Session."""

    @functools.wraps(flow)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise _closed()
        return await run_async(flow(self._session, *args, **kwargs), self._transports)

    _present(method, "AsyncClient")
    return method


def _present(method: Any, owner: str) -> None:
    """Make ``help()`` show the method of a client, whose result is ``X`` where the flow's is ``Flow[X]``."""
    method.__module__, method.__qualname__ = __name__, f"{owner}.{method.__name__}"
    signature = inspect.signature(method)
    result = signature.return_annotation.removeprefix("Flow[").removesuffix("]")
    method.__signature__ = signature.replace(return_annotation=result)
    method.__annotations__ = {**method.__annotations__, "return": result}


def _closed() -> FailedPreconditionError:
    return FailedPreconditionError("This client is closed; open a new one with connect().")


class Client:
    """Queries the models of one server or several; made by :func:`tfdeconv.client.connect`.

    Connections are kept open between calls and are safe to share between threads. Every call takes the
    model it is for (``model``, by default the one given to ``connect``), at most one of ``version`` and
    ``label`` (by default the newest version), and a ``timeout`` in seconds for the whole call, retries
    included (by default the one given to ``connect``; ``math.inf`` for no limit).
    """

    def __init__(self, session: Session, transports: Transports[Transport]) -> None:
        self._session = session
        self._transports = transports
        self._closed = False

    predict = _blocking(Session.predict)
    classify = _blocking(Session.classify)
    regress = _blocking(Session.regress)
    upscale = _blocking(Session.upscale)
    predict_tiled = _blocking(Session.predict_tiled)
    tile_rule = _blocking(Session.tile_rule)
    metadata = _blocking(Session.metadata)
    status = _blocking(Session.status)
    status_by_endpoint = _blocking(Session.status_by_endpoint)
    wait_until_ready = _blocking(Session.wait_until_ready)
    reload = _blocking(Session.reload)

    def predict_many(
        self,
        requests: Iterable[Any],
        *,
        concurrency: int = 8,
        progress: Progress | None = None,
        **options: Unpack[PredictOptions],
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Run a signature once for each of many inputs, several at a time.

        Requests are drawn from the iterable only as answers are consumed, so that a stream of any
        length needs the memory of ``concurrency`` of them. The first failure is raised in its place
        and ends the iteration.

        Args:
            requests: What :meth:`predict` takes as ``inputs``, many times.
            concurrency: Most requests in flight. Default 8.
            progress: Called after each answer with the number of answers so far and of requests in
                all, ``None`` if ``requests`` has no length.
            **options: The keyword arguments of :meth:`predict`, for every request.

        Returns:
            An iterator over the results of :meth:`predict`, in the order of the requests.

        Raises:
            InvalidArgumentError: ``concurrency`` is below 1.
        """
        return map_threads(lambda inputs: self.predict(inputs, **options), requests, concurrency, progress)

    def close(self) -> None:
        """Close the connections; leaving the ``with`` block does it too."""
        self._closed = True
        for transport in self._transports.pop_all():
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """Queries models from an event loop; made by :func:`tfdeconv.client.connect_async`.

    Its methods are those of :class:`Client`, awaited; ``predict_many`` is iterated with ``async for``.
    """

    def __init__(self, session: Session, transports: Transports[AsyncTransport]) -> None:
        self._session = session
        self._transports = transports
        self._closed = False

    predict = _awaiting(Session.predict)
    classify = _awaiting(Session.classify)
    regress = _awaiting(Session.regress)
    upscale = _awaiting(Session.upscale)
    predict_tiled = _awaiting(Session.predict_tiled)
    tile_rule = _awaiting(Session.tile_rule)
    metadata = _awaiting(Session.metadata)
    status = _awaiting(Session.status)
    status_by_endpoint = _awaiting(Session.status_by_endpoint)
    wait_until_ready = _awaiting(Session.wait_until_ready)
    reload = _awaiting(Session.reload)

    def predict_many(
        self,
        requests: Iterable[Any],
        *,
        concurrency: int = 8,
        progress: Progress | None = None,
        **options: Unpack[PredictOptions],
    ) -> AsyncIterator[dict[str, NDArray[Any]]]:
        """Run a signature for each of many inputs, several at a time; see :meth:`Client.predict_many`."""
        return map_tasks(lambda inputs: self.predict(inputs, **options), requests, concurrency, progress)

    async def close(self) -> None:
        """Close the connections; leaving the ``async with`` block does it too."""
        self._closed = True
        for transport in self._transports.pop_all():
            await transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
