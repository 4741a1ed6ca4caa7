"""A small TensorFlow Serving over NumPy: official messages, grpcio, Starlette; and failures on demand.

Nothing here imports the package: messages and tensors go through TensorFlow's own modules.
"""

import base64
import gzip
import io
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

MODEL = "upscaler"
METHOD = "tensorflow/serving/predict"

# Signature -> (inputs, outputs), each name -> (dtype, shape); the same as the SavedModel of conftest.py.
SIGNATURES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "serving_default": (
        {"image": (tf.float32, [-1, -1, -1, 3])},
        {"upscaled": (tf.float32, [-1, -1, -1, 3])},
    ),
    "serve_image_bytes": ({"image_bytes": (tf.string, [-1])}, {"upscaled_bytes": (tf.string, [-1])}),
    "mixed": (
        {"count": (tf.int64, [-1]), "scale": (tf.float32, [-1])},
        {"product": (tf.float32, [-1]), "total": (tf.int64, [])},
    ),
    "text": (
        {"text": (tf.string, [-1, -1])},
        {"copy": (tf.string, [-1, -1]), "copy_bytes": (tf.string, [-1, -1])},
    ),
    "half": ({"x": (tf.float16, [-1])}, {"y": (tf.float16, [-1])}),
}


def _enlarge_png(encoded: bytes) -> bytes:
    picture = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    out = io.BytesIO()
    Image.fromarray(picture.repeat(2, 0).repeat(2, 1)).save(out, "PNG")
    return out.getvalue()


def compute(signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a signature in NumPy."""
    match signature:
        case "serving_default":
            return {"upscaled": inputs["image"].repeat(2, 1).repeat(2, 2)}
        case "serve_image_bytes":
            return {"upscaled_bytes": np.array([_enlarge_png(one) for one in inputs["image_bytes"]], object)}
        case "mixed":
            return {
                "product": inputs["count"].astype(np.float32) * inputs["scale"],
                "total": np.sum(inputs["count"]),
            }
        case "half":
            return {"y": inputs["x"]}
    return {"copy": inputs["text"], "copy_bytes": inputs["text"]}


@dataclass
class Failures:
    """What to do to the next requests in place of answering, and what the requests carried.

    Attributes:
        script: One entry per coming request: a (gRPC code, message), the seconds to hold the answer back,
            or the name of a way to break it; when it is used up requests are answered.
        seen: (headers, payload size) of every request, failed ones included.
    """

    script: deque[Any] = field(default_factory=deque)
    seen: list[tuple[dict[str, str], int]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def next(self, headers: dict[str, str], size: int) -> Any:
        """Record a request and return its entry of the script."""
        self.seen.append((headers, size))
        entry = self.script.popleft() if self.script else None
        if isinstance(entry, int | float):
            self.released.wait(entry)
            return None
        return entry


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


def _check_model(name: str) -> str | None:
    return None if name == MODEL else f"Servable not found for request: Latest({name})"


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    def _fail(self, request: Any, context: grpc.ServicerContext) -> None:
        entry = self._failures.next(
            {**dict(context.invocation_metadata()), "peer": context.peer()}, request.ByteSize()
        )
        if entry is not None:
            context.abort(grpc.StatusCode[entry[0]], entry[1])
        missing = _check_model(request.model_spec.name)
        if missing:
            context.abort(grpc.StatusCode.NOT_FOUND, missing)

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self._fail(request, context)
        inputs = {key: tf.make_ndarray(proto) for key, proto in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for key, array in compute(request.model_spec.signature_name, inputs).items():
            if not request.output_filter or key in request.output_filter:
                proto = tf.make_tensor_proto(array)
                if array.dtype == np.float32 and array.size > 1:  # the real server fills the typed fields
                    proto.float_val.extend(array.ravel())
                    proto.tensor_content = b""
                response.outputs[key].CopyFrom(proto)
        return response

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self._fail(request, context)
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, sides in SIGNATURES.items():
            definition = definitions.signature_def[name]
            definition.method_name = METHOD
            for specs, infos in zip(sides, (definition.inputs, definition.outputs), strict=True):
                for key, (dtype, shape) in specs.items():
                    infos[key].dtype = dtype.as_datatype_enum
                    infos[key].tensor_shape.CopyFrom(
                        tf.TensorShape([None if n < 0 else n for n in shape]).as_proto()
                    )
        definitions.signature_def["__saved_model_init_op"].SetInParent()
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = MODEL
        response.model_spec.version.value = 3
        response.metadata["signature_def"].Pack(definitions)
        return response


class _Model(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self.reloaded: list[Any] = []

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        entry = self._failures.next(
            {**dict(context.invocation_metadata()), "peer": context.peer()}, request.ByteSize()
        )
        if entry is not None:
            context.abort(grpc.StatusCode[entry[0]], entry[1])
        if _check_model(request.model_spec.name):
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {request.model_spec.name}"
            )
        response = get_model_status_pb2.GetModelStatusResponse()
        ended = response.model_version_status.add(version=2, state="END")
        ended.status.error_code, ended.status.error_message = 13, "out of memory"
        response.model_version_status.add(version=3, state="AVAILABLE")
        return response

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.reloaded.append(request.config)
        return model_management_pb2.ReloadConfigResponse()


@contextmanager
def grpc_server(
    failures: Failures, credentials: grpc.ServerCredentials | None = None, socket: Path | None = None
) -> Iterator[str]:
    """Serve over gRPC on a free port or a Unix socket; yield its URL."""
    server = grpc.server(
        ThreadPoolExecutor(8),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Prediction(failures), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Model(failures), server)
    if credentials is not None:
        url = f"grpcs://localhost:{server.add_secure_port('localhost:0', credentials)}"
    elif socket is not None:
        url = f"unix:{socket}"
        server.add_insecure_port(url)
    else:
        url = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield url
    finally:
        failures.released.set()
        server.stop(None).wait()


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


def _metadata_json() -> dict[str, Any]:
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
        for name, (i, o) in SIGNATURES.items()
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
        if path.endswith((":predict", "/metadata")):
            missing = _check_model(name)
        else:
            missing = None if name == MODEL else f"Could not find any versions of model {name}"
        if missing:
            return JSONResponse({"error": missing}, 404)
        if path.endswith("/metadata"):
            return JSONResponse(_metadata_json())
        if request.method == "GET":
            ended = {"error_code": "INTERNAL", "error_message": "out of memory"}
            ok = {"error_code": "OK", "error_message": ""}
            states = [("3", "AVAILABLE", ok), ("2", "END", ended)]
            return JSONResponse(
                {"model_version_status": [{"version": v, "state": s, "status": e} for v, s, e in states]}
            )
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        document = json.loads(body)
        inputs, _ = SIGNATURES[document["signature_name"]]
        arrays = {key: _to_array(value, inputs[key][0]) for key, value in document["inputs"].items()}
        outputs = compute(document["signature_name"], arrays)
        rendered = {key: _to_json(array, key) for key, array in outputs.items()}
        return Response(
            json.dumps({"outputs": rendered if len(rendered) > 1 else next(iter(rendered.values()))})
        )

    return Starlette(routes=[Route("/v1/models{rest:path}", answer, methods=["GET", "POST"])])


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
def rest_server(failures: Failures, **config: Any) -> Iterator[str]:
    """Serve over HTTP on a free port; yield its URL."""
    server = uvicorn.Server(
        uvicorn.Config(_rest_app(failures), host="127.0.0.1", port=0, log_level="critical", **config)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "uvicorn did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{'https' if config else 'http'}://{'localhost' if config else '127.0.0.1'}:{port}"
    finally:
        failures.released.set()
        server.should_exit = True
        thread.join(30)
