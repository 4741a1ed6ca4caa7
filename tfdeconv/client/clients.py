"""The blocking and the awaiting client: doors to the flows of a session."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypedDict, TypeVar, Unpack

from numpy.typing import NDArray

from tfdeconv.client.exchange.flow import AsyncTransport, Flow, Transport, run, run_async
from tfdeconv.client.exchange.many import Progress, map_tasks, map_threads
from tfdeconv.client.exchange.session import Session
from tfdeconv.client.values.images import from_unit_batch, to_unit_batch
from tfdeconv.errors import FailedPreconditionError

P = ParamSpec("P")
T = TypeVar("T")


class PredictOptions(TypedDict, total=False):
    """The keyword arguments of ``predict``, for ``predict_many`` to hand on."""

    model: str | None
    version: int | None
    label: str | None
    signature: str
    outputs: Sequence[str] | None
    timeout: float | None


def _blocking(flow: Callable[Concatenate[Session, P], Flow[T]]) -> Callable[Concatenate[Client, P], T]:
    """Return the method of Client that runs a flow of Session."""

    @functools.wraps(flow)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise _closed()
        return run(flow(self._session, *args, **kwargs), self._transport)

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
        return await run_async(flow(self._session, *args, **kwargs), self._transport)

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
    """Queries the models of one server; made by :func:`tfdeconv.client.connect`.

    Connections are kept open between calls and are safe to share between threads. Every call takes the
    model it is for (``model``, by default the one given to ``connect``), at most one of ``version`` and
    ``label`` (by default the newest version), and a ``timeout`` in seconds for the whole call, retries
    included (by default the one given to ``connect``; ``math.inf`` for no limit).
    """

    def __init__(self, session: Session, transport: Transport) -> None:
        self._session = session
        self._transport = transport
        self._closed = False

    predict = _blocking(Session.predict)
    classify = _blocking(Session.classify)
    regress = _blocking(Session.regress)
    tile_rule = _blocking(Session.tile_rule)
    metadata = _blocking(Session.metadata)
    status = _blocking(Session.status)
    wait_until_ready = _blocking(Session.wait_until_ready)
    reload = _blocking(Session.reload)

    def upscale(
        self,
        image: Any,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
        concurrency: int = 8,
        progress: Progress | None = None,
    ) -> Any:
        """Send a picture through a served upscaler, tile by tile where it is large.

        A model exported with ``tile=`` gets no more than a tile in a request; others get the whole.

        Args:
            image: An RGB array ``[H, W, 3]`` or ``[N, H, W, 3]`` (uint8, uint16, or floats in [0, 1]), sent
                to the signature ``serving_default``; or the ``bytes`` of a PNG or JPEG, sent as a whole to
                ``serve_image_bytes``.
            model: Name of the model; default the one given to ``connect``, else ``"upscaler"``.
            version: Version of the model.
            label: Label of the version.
            timeout: Seconds for the whole call, or for each tile.
            concurrency: Most tiles in flight. Default 8.
            progress: Called after each answer with the number of answers so far and of tiles.

        Returns:
            The upscaled picture as it came: an array of the same rank and type (floats as float32), or
            the ``bytes`` of a PNG.

        Raises:
            ImageError: The array or the bytes are not such a picture.
        """
        options: PredictOptions = {
            "model": model or self._session.upscaler,
            "version": version,
            "label": label,
            "timeout": timeout,
        }
        if self._closed:
            raise _closed()
        encoded = isinstance(image, bytes | bytearray | memoryview)
        pictures = None if encoded else to_unit_batch(image)
        if pictures is None or not run(self._session.is_cut(pictures, options), self._transport):
            flow = self._session.upscale(image, model=model, version=version, label=label, timeout=timeout)
            return run(flow, self._transport)
        outputs = self.predict_tiled(pictures, concurrency=concurrency, progress=progress, **options)
        return from_unit_batch(self._session.only(outputs), like=image)

    def predict_tiled(
        self,
        inputs: Any,
        *,
        tiles: Any = None,
        concurrency: int = 8,
        progress: Progress | None = None,
        **options: Unpack[PredictOptions],
    ) -> dict[str, NDArray[Any]]:
        """Run a signature on pictures of any size, tile by tile; the result is that of the whole.

        Each request holds one tile, so that neither requests nor the server's memory grow with the picture.

        Args:
            inputs: What :meth:`predict` takes; the batch comes first.
            tiles: How the model is cut: the version folder that ``export_saved_model(..., tile=...)`` wrote,
                its ``tiles.json``, or what :meth:`tile_rule` returns. None: what the server says.
            concurrency: Most requests in flight. Default 8.
            progress: Called after each answer with the number of answers so far and of tiles.
            **options: The keyword arguments of :meth:`predict`, for every request.

        Returns:
            Output name to array, as :meth:`predict` would return it for the whole.

        Raises:
            FailedPreconditionError: ``tiles`` is None and the model was not exported with ``tile=``.
        """
        call = run(self._session.tiled_call(inputs, tiles, options), self._transport)
        answers = self.predict_many(call, concurrency=concurrency, progress=progress, **options)
        for job, outputs in zip(call.jobs(), answers, strict=True):
            call.place(job, outputs)
        return call.results

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
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """Queries the models of one server from an event loop; made by :func:`tfdeconv.client.connect_async`.

    Its methods are those of :class:`Client`, awaited; ``predict_many`` is iterated with ``async for``.
    """

    def __init__(self, session: Session, transport: AsyncTransport) -> None:
        self._session = session
        self._transport = transport
        self._closed = False

    predict = _awaiting(Session.predict)
    classify = _awaiting(Session.classify)
    regress = _awaiting(Session.regress)
    tile_rule = _awaiting(Session.tile_rule)
    metadata = _awaiting(Session.metadata)
    status = _awaiting(Session.status)
    wait_until_ready = _awaiting(Session.wait_until_ready)
    reload = _awaiting(Session.reload)

    async def upscale(
        self,
        image: Any,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
        concurrency: int = 8,
        progress: Progress | None = None,
    ) -> Any:
        """Send a picture through a served upscaler; see :meth:`Client.upscale`."""
        options: PredictOptions = {
            "model": model or self._session.upscaler,
            "version": version,
            "label": label,
            "timeout": timeout,
        }
        if self._closed:
            raise _closed()
        encoded = isinstance(image, bytes | bytearray | memoryview)
        pictures = None if encoded else to_unit_batch(image)
        if pictures is None or not await run_async(self._session.is_cut(pictures, options), self._transport):
            flow = self._session.upscale(image, model=model, version=version, label=label, timeout=timeout)
            return await run_async(flow, self._transport)
        outputs = await self.predict_tiled(pictures, concurrency=concurrency, progress=progress, **options)
        return from_unit_batch(self._session.only(outputs), like=image)

    async def predict_tiled(
        self,
        inputs: Any,
        *,
        tiles: Any = None,
        concurrency: int = 8,
        progress: Progress | None = None,
        **options: Unpack[PredictOptions],
    ) -> dict[str, NDArray[Any]]:
        """Run a signature on pictures of any size, tile by tile; see :meth:`Client.predict_tiled`."""
        call = await run_async(self._session.tiled_call(inputs, tiles, options), self._transport)
        answers = self.predict_many(call, concurrency=concurrency, progress=progress, **options)
        jobs = iter(call.jobs())
        async for outputs in answers:
            call.place(next(jobs), outputs)
        return call.results

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
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
