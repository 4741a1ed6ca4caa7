"""A small TensorFlow Serving over REST: Starlette and JSON around NumPy."""

import base64
import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
import uvicorn
from client.fakes.fake_model import (
    METHOD,
    MODEL,
    SIGNATURES,
    VERSIONS,
    Failures,
    compute,
    not_found,
    regress,
    score,
)
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def _to_array(value: Any, dtype: tf.DType) -> np.ndarray:
    if dtype != tf.string:
        return np.array(value, dtype.as_numpy_dtype)
    if value and isinstance(value[0], list):
        return np.stack([_to_array(row, dtype) for row in value])
    array = np.empty(len(value), object)
    array[:] = [base64.b64decode(item["b64"]) for item in value]
    return array


def _to_json(array: np.ndarray, name: str) -> Any:
    if array.dtype != object:
        return array.tolist()
    if array.ndim:
        return [_to_json(item, name) if isinstance(item, np.ndarray) else _text(item, name) for item in array]
    return _text(array.item(), name)


def _text(item: bytes, name: str) -> Any:
    return {"b64": base64.b64encode(item).decode()} if name.endswith("_bytes") else item.decode()


def _metadata_json(signatures: dict[str, Any]) -> dict[str, Any]:
    labels = {tf.float16: "DT_HALF", tf.float32: "DT_FLOAT", tf.int64: "DT_INT64", tf.string: "DT_STRING"}

    def infos(specs: dict[str, Any]) -> dict[str, Any]:
        return {
            key: {
                "dtype": labels[dtype],
                "tensor_shape": {"dim": [{"size": str(n), "name": ""} for n in shape], "unknown_rank": False},
                "name": f"{key}:0",
            }
            for key, (dtype, shape) in specs.items()
        }

    definitions: dict[str, Any] = {
        name: {
            "inputs": infos(i),
            "outputs": infos(o),
            "method_name": METHOD,
            "defaults": {},
        }
        for name, (i, o) in signatures.items()
    }
    definitions["__saved_model_init_op"] = {"inputs": {}, "outputs": {}, "method_name": "", "defaults": {}}
    return {
        "model_spec": {"name": MODEL, "signature_name": "", "version": "3"},
        "metadata": {"signature_def": {"signature_def": definitions}},
    }


def _rest_app(failures: Failures) -> Starlette:
    async def answer(request: Request) -> Response:
        body = await request.body()
        peer = f"{request.client.host}:{request.client.port}"
        entry = await run_in_threadpool(failures.next, {**request.headers, "peer": peer}, len(body))
        if isinstance(entry, tuple):
            return JSONResponse({"error": entry[1]}, HTTP_STATUS[entry[0]])
        if entry is not None:
            return _broken(entry)
        path = request.path_params["rest"]
        name = path.removeprefix("/").split("/")[0].split(":")[0]
        if path.endswith((":predict", ":classify", ":regress", "/metadata")):
            missing = not_found(name)
        else:
            missing = None if name == MODEL else f"Could not find any versions of model {name}"
        if missing:
            return JSONResponse({"error": missing}, 404)
        if path.endswith("/metadata"):
            return JSONResponse(_metadata_json(failures.signatures()))
        if request.method == "GET":
            states = [
                {
                    "version": str(version),
                    "state": state,
                    "status": {"error_code": code, "error_message": message},
                }
                for version, state, code, message in VERSIONS
                if "/versions/" not in path or path.endswith(f"/{version}")
            ]
            return JSONResponse({"model_version_status": states})
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        document = json.loads(body)
        if "examples" in document:
            return JSONResponse({"results": _results(path, document)})
        inputs, _ = SIGNATURES[document["signature_name"]]
        arrays = {key: _to_array(value, inputs[key][0]) for key, value in document["inputs"].items()}
        outputs = compute(document["signature_name"], arrays)
        rendered = {key: _to_json(array, key) for key, array in outputs.items()}
        return Response(
            json.dumps({"outputs": rendered if len(rendered) > 1 else next(iter(rendered.values()))})
        )

    return Starlette(routes=[Route("/v1/models{rest:path}", answer, methods=["GET", "POST"])])


def _results(path: str, document: dict[str, Any]) -> list[Any]:
    """Classify or regress every example."""
    results: list[Any] = []
    for example in document["examples"]:
        features = {name: _plain(value) for name, value in {**document.get("context", {}), **example}.items()}
        results.append(score(features) if path.endswith(":classify") else regress(features))
    return results


def _plain(value: Any) -> Any:
    """A feature's first value; bytes as text."""
    first = value[0] if isinstance(value, list) else value
    return base64.b64decode(first["b64"]).decode() if isinstance(first, dict) else first


def _broken(way: str) -> Response:
    match way:
        case "truncated json":
            return Response(b'{"outputs": [[1.0, 2.')
        case "wrong document":
            return Response(b'{"predictions": 1}')
        case "html 502":
            return Response("<h1>Bad gateway</h1>", 502)
    raise AssertionError(way)


@contextmanager
def rest_server(failures: Failures, *, port: int = 0, tls: dict[str, Any] | None = None) -> Iterator[str]:
    """Serve over HTTP on a port (0: a free one), with uvicorn's settings for TLS if given; yield its URL."""
    quiet = {"log_level": "critical", "log_config": None}
    server = uvicorn.Server(
        uvicorn.Config(_rest_app(failures), host="127.0.0.1", port=port, **quiet, **(tls or {}))
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started:
        assert time.monotonic() < deadline, "uvicorn did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    finally:
        failures.released.set()
        server.should_exit = True
        thread.join(60)
