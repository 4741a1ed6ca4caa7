"""REST: TensorFlow Serving's HTTP API v1 over the data plane, on Starlette and uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import threading
import urllib.parse
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import orjson
import uvicorn
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis import get_model_metadata_pb2

from tfdeconv.errors import DeadlineExceededError, InvalidRequestError, ServingError, TfdeconvError
from tfdeconv.serving import data_plane, grpc_edge, status_codes
from tfdeconv.serving.codec import json_predict, predict_message
from tfdeconv.serving.data_plane import DataPlane
from tfdeconv.serving.model_spec import ModelSpec

_LOG = logging.getLogger("tfdeconv.serving")
_CHOICE = r"(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
_PREDICTION = re.compile(
    rf"/v1/models/(?P<model>[^/:]+){_CHOICE}:(?P<method>classify|regress|predict)", re.IGNORECASE | re.ASCII
)
_STATUS = re.compile(
    rf"/v1/models(?:/(?P<model>[^/:]+))?{_CHOICE}(?:/(?P<resource>metadata))?", re.IGNORECASE | re.ASCII
)
_MAX_VERSION = (1 << 63) - 1


class RestEdge:
    """Listens for HTTP requests on its own thread.

    Args:
        plane: Answers the requests.
        threads: Requests answered at the same time.
        timeout: Longest time for one request in seconds, or None.
    """

    def __init__(self, plane: DataPlane, *, threads: int, timeout: float | None) -> None:
        self._plane = plane
        self._timeout = timeout
        self._pool = ThreadPoolExecutor(threads, "tfdeconv-rest")
        app = Starlette(routes=[Route("/{path:path}", _Endpoint(self._respond))])
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        self._server = uvicorn.Server(config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def listen(self, host: str, port: int) -> int:
        """Open a TCP port (0 for any); return it.

        Raises:
            ServingError: The port is in use, or the address is not this machine's.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            raise ServingError(
                f"Cannot listen for REST on {host}:{port}: {error.strerror}. "
                "Choose another port, or 0 for any free one."
            ) from None
        self._socket = listener
        return int(listener.getsockname()[1])

    def start(self) -> None:
        """Answer requests from now on."""
        assert self._socket is not None
        # The socket listens already: a connection waits in its queue until the thread is up.
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="tfdeconv-http", daemon=True
        )
        self._thread.start()

    def stop(self, grace: float | None) -> None:
        """Refuse new requests, let running ones finish for ``grace`` seconds, and close."""
        self._server.config.timeout_graceful_shutdown = None if grace is None else max(1, round(grace))
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._pool.shutdown()

    async def _respond(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if request.scope["query_string"]:
            path += "?" + request.scope["query_string"].decode("latin-1")
        if not path.lower().startswith("/v1/"):
            return Response(status_code=404)
        body = await request.body()
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, self._answer, request.method, path, body
        )
        try:
            async with asyncio.timeout(self._timeout):
                status, content = await work
        except TimeoutError:
            status, content = _error(DeadlineExceededError("Timed out waiting for notification"))
        return Response(content, status, media_type="application/json")

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        try:
            return 200, self._dispatch(method, path, body)
        except TfdeconvError as error:
            return _error(error)
        except Exception:
            _LOG.exception("A REST request failed")
            return _error(ServingError("The server failed to answer this request; its log has the cause."))

    def _dispatch(self, method: str, path: str, body: bytes) -> bytes:
        pattern = {"POST": _PREDICTION, "GET": _STATUS}.get(method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None:
            raise InvalidRequestError(f"Malformed request: {method} {path}")
        parts = match.groupdict()
        spec = _spec(parts)
        if method == "POST":
            return self._methods()[parts["method"].lower()](spec, body)
        if not spec.name:
            raise InvalidRequestError("Missing model name in request.")
        return self._metadata(spec) if parts["resource"] else self._status(spec)

    def _methods(self) -> dict[str, Callable[[ModelSpec, bytes], bytes]]:
        return {"predict": self._predict}

    def _predict(self, spec: ModelSpec, body: bytes) -> bytes:
        with contextlib.ExitStack() as stack:
            leased = []

            def input_types(signature: str) -> dict[str, int]:
                leased.append(stack.enter_context(self._plane.repository.lease(spec)))
                return data_plane.signature_for_json(leased[0], signature).input_types()

            call = json_predict.parse_request(body, input_types)
            _, outputs = self._plane.predict_with(leased[0], call.signature_name, call.inputs)
        return json_predict.build_response(outputs, row_form=call.row_form)

    def _status(self, spec: ModelSpec) -> bytes:
        response = grpc_edge.status_response(self._plane.status(spec))
        return json_format.MessageToJson(
            response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        ).encode()

    def _metadata(self, spec: ModelSpec) -> bytes:
        resolved, signatures = self._plane.metadata(spec, ["signature_def"])
        table = get_model_metadata_pb2.SignatureDefMap(signature_def=signatures)
        document = {
            "model_spec": _to_dict(predict_message.spec_to_message(resolved)),
            "metadata": {"signature_def": _to_dict(table)},
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)


class _Endpoint:
    """An ASGI application for every method of a route (a function would answer GET only)."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]]) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive, send))
        await response(scope, receive, send)


def _to_dict(message: object) -> object:
    return json_format.MessageToDict(
        message,  # type: ignore[arg-type]
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _spec(parts: dict[str, str | None]) -> ModelSpec:
    version = None
    if parts["version"]:
        version = int(parts["version"])
        if version > _MAX_VERSION:
            raise InvalidRequestError(f"Failed to convert version: {parts['version']} to numeric.")
    label = parts["label"]
    return ModelSpec(
        name=urllib.parse.unquote(parts["model"] or ""),
        version=version,
        version_label=urllib.parse.unquote(label) if label else None,
    )


def _error(error: BaseException) -> tuple[int, bytes]:
    status = status_codes.http_status(status_codes.code_of(error))
    text = str(error).encode("utf-8", "replace").decode()
    return status, orjson.dumps({"error": text})
