"""HTTP around the REST API: an ASGI application with limits, gzip, CORS, metrics and health."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tfdeconv.errors import ServingError
from tfdeconv.serving import cancellation
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.config.monitoring import Monitoring
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.rest import request_body
from tfdeconv.serving.rest.error_body import error_body
from tfdeconv.serving.rest.model_list import ModelSource, missing_models, model_list
from tfdeconv.web.pages import find_page

Answer = Callable[[str, str, bytes, Cancellation], tuple[int, bytes]]
_ORIGIN = re.compile(r"https?://")
_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_WEB_PATHS = ("/upscaler/{file:path}", "/explorer/{file:path}", "/theme.css", "/dom.js")


def common_headers(options: ServerOptions) -> dict[str, str]:
    """Return the headers of every answer: without them a browser shows a page neither answers nor errors."""
    return _CORS_HEADERS if options.rest_api_enable_cors_support else {}


def application(
    options: ServerOptions,
    *,
    answer: Answer,
    models: ModelSource,
    metrics: Callable[[], str],
    executor: Executor | None = None,
) -> Starlette:
    """Return the application of ``rest_app`` over anything that answers requests.

    Args:
        options: Limits, timeout, CORS and which pages there are.
        answer: Answers a request of the API, like ``RestApi.answer``; runs in ``executor``.
        models: Tells which models and versions there are.
        metrics: Returns the page for Prometheus; runs in a thread of its own.
        executor: As for ``rest_app``.

    Raises:
        InvalidRequestError: The monitoring configuration cannot be read.
    """
    monitoring = Monitoring.read(options.monitoring_config_file)
    used = executor or ThreadPoolExecutor(options.rest_threads, "tfdeconv-rest")
    pages = _Pages(options, answer, models, metrics, used)
    endpoint = functools.partial(_Endpoint, headers=common_headers(options))
    routes = [
        Route("/healthz", endpoint(pages.alive)),
        Route("/readyz", endpoint(pages.ready)),
        Route("/modelz", endpoint(pages.models)),
    ]
    if options.web:
        routes[-1:-1] = [Route(path, _web_page, methods=["GET"]) for path in ("/", *_WEB_PATHS)]
    if monitoring.enable:
        routes.insert(0, Route(monitoring.path, endpoint(pages.metrics)))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if executor is None:
            used.shutdown(wait=False, cancel_futures=True)

    app = Starlette(routes=routes, lifespan=lifespan)
    # A route of any path would not match a line break in it.
    app.router.redirect_slashes = False
    app.router.default = endpoint(pages.api)
    return app


async def _web_page(request: Request) -> Response:
    """A file of the pages; ``/`` leads to the one for pictures."""
    if request.url.path == "/":
        return RedirectResponse("/upscaler/", 302)
    page = find_page(request.url.path)
    return Response(status_code=404) if page is None else Response(page.content, headers=page.headers)


class _Pages:
    """What each route answers."""

    def __init__(
        self,
        options: ServerOptions,
        answer: Answer,
        models: ModelSource,
        metrics: Callable[[], str],
        executor: Executor,
    ) -> None:
        self._api_answer = answer
        self._models = models
        self._metrics = metrics
        self._executor = executor
        self._timeout = max(0, options.rest_api_timeout_in_ms) / 1000 or None
        self._max_body_bytes = options.max_rest_body_bytes
        self._held = request_body.HeldBytes(options.max_rest_buffered_bytes)
        self._max_unpacked_bytes = options.max_unpacked_gzip_bytes
        self._headers = common_headers(options)

    async def api(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if request.scope["query_string"]:
            path += "?" + request.scope["query_string"].decode("latin-1")
        if not path.lower().startswith("/v1/"):
            return Response(status_code=404, headers=self._headers)
        if request.method == "OPTIONS":
            allowed = _ORIGIN.search(request.headers.get("origin", ""))
            return Response(status_code=200 if allowed else 400, headers=self._headers)
        try:
            body = await request_body.read(request, self._max_body_bytes, self._held)
        except ServingError as error:
            return self._json(503, error_body(str(error)))
        if body is None:
            return self._json(
                429,
                error_body(f"The request is larger than {self._max_body_bytes} bytes, this server's limit"),
            )
        packed = "gzip" in request.headers.get("content-encoding", "").lower()
        waiting = Cancellation()
        job = self._executor.submit(self._answer, request.method, path, body, packed, waiting)
        size = len(body)
        job.add_done_callback(lambda _: self._held.give(size))
        work = asyncio.wrap_future(job)
        del body
        gone = asyncio.ensure_future(request.receive())  # the body is read: all that can come is the end
        try:
            pending: list[asyncio.Future[Any]] = [work, gone]
            await asyncio.wait(pending, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._json(*work.result())
            if gone.done():
                raise ClientDisconnect
            return self._json(504, error_body("Timed out waiting for notification"))
        finally:
            waiting.cancel()  # the work between its steps,
            work.cancel()  # or before it has begun
            gone.cancel()

    def _json(self, status: int, content: bytes) -> Response:
        return Response(content, status, self._headers, media_type="application/json")

    def _answer(
        self, method: str, path: str, body: bytes, packed: bool, waiting: Cancellation
    ) -> tuple[int, bytes]:
        if packed:
            try:
                with cancellation.working_for(waiting):
                    body = request_body.unpack(body, self._max_unpacked_bytes)
            except ServingError as error:
                return 499, error_body(str(error))
        return self._api_answer(method, path, body, waiting)

    async def alive(self, request: Request) -> Response:
        return Response("ok\n", media_type="text/plain", headers=self._headers)

    async def ready(self, request: Request) -> Response:
        missing = missing_models(self._models)
        return self._json(503 if missing else 200, orjson.dumps({"ready": not missing, "missing": missing}))

    async def models(self, request: Request) -> Response:
        document = {"models": model_list(self._models)}
        return self._json(200, orjson.dumps(document, option=orjson.OPT_INDENT_2))

    async def metrics(self, request: Request) -> Response:
        text = await asyncio.to_thread(self._metrics)  # not behind requests
        # Whatever else the client would rather read: OpenMetrics wants other names than TensorFlow Serving's.
        return Response(text, media_type="text/plain; version=0.0.4", headers=self._headers)


class _Endpoint:
    """An ASGI application for every method of a route (a function would answer GET only)."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]], headers: Mapping[str, str]) -> None:
        self._respond = respond
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(Request(scope, receive, send))
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # the server stops, and has waited long enough for this request
            content = error_body("The server is stopping")
            response = Response(content, 503, self._headers, media_type="application/json")
        with contextlib.suppress(asyncio.CancelledError):
            await response(scope, receive, send)
