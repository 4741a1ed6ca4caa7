"""TensorFlow Serving's JSON documents, without I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from tfdeconv.client.exchange.flow import Call, T
from tfdeconv.client.rest import json_bytes
from tfdeconv.client.values.element_types import numpy_dtype
from tfdeconv.client.values.examples import Feature
from tfdeconv.client.values.results import (
    Classification,
    Metadata,
    ModelRef,
    Signature,
    TensorSpec,
    VersionStatus,
)
from tfdeconv.errors import InternalError, UnimplementedError
from tfdeconv.wire.dtypes import name_of

# JSON numbers have no form for these, and TensorFlow Serving refuses them.
_NOT_IN_JSON = {"float16", "bfloat16", "complex64", "complex128"}


class RestDialect:
    """Requests and answers as JSON; predict uses the column form, whose inputs need not share a batch."""

    def predict(
        self,
        ref: ModelRef,
        name: str,
        signature: Signature,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
    ) -> Call[dict[str, NDArray[Any]]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        for key, spec in [*signature.inputs.items(), *signature.outputs.items()]:
            if spec.dtype in _NOT_IN_JSON and (key in inputs or key in outputs):
                raise UnimplementedError(
                    f"{key!r} is {spec.dtype}, which REST cannot carry; connect with grpc:// instead."
                )
        columns = {
            key: _strings_to_json(array) if array.dtype == object else array for key, array in inputs.items()
        }

        def read(document: Any) -> dict[str, NDArray[Any]]:
            values = document["outputs"]
            if len(signature.outputs) == 1:  # then the server leaves the name out
                values = {next(iter(signature.outputs)): values}
            return {key: _array(values[key], signature.outputs[key]) for key in sorted(outputs)}

        return _call(f"{_model_path(ref)}:predict", {"signature_name": name, "inputs": columns}, read)

    def classify(
        self, ref: ModelRef, name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
    ) -> Call[list[list[Classification]]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""

        def read(document: Any) -> list[list[Classification]]:
            # Scores are float32: the same value as over gRPC.
            return [
                [Classification(label, float(np.float32(score))) for label, score in result]
                for result in document["results"]
            ]

        return _call(f"{_model_path(ref)}:classify", _examples_to_json(name, examples, context), read)

    def regress(
        self, ref: ModelRef, name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
    ) -> Call[NDArray[Any]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        return _call(
            f"{_model_path(ref)}:regress",
            _examples_to_json(name, examples, context),
            lambda document: np.array(document["results"], np.float32),
        )

    def metadata(self, ref: ModelRef) -> Call[Metadata]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""

        def read(document: Any) -> Metadata:
            definitions = document["metadata"]["signature_def"]["signature_def"]
            return Metadata.of(
                document["model_spec"]["name"],
                int(document["model_spec"]["version"]),
                {name: _signature(definition) for name, definition in definitions.items()},
            )

        return _call(f"{_model_path(ref)}/metadata", None, read)

    def status(self, ref: ModelRef) -> Call[list[VersionStatus]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""

        def read(document: Any) -> list[VersionStatus]:
            return [
                VersionStatus(
                    int(entry["version"]),
                    entry["state"],
                    entry["status"]["error_code"],
                    entry["status"]["error_message"],
                )
                for entry in document["model_version_status"]
            ]

        return _call(_model_path(ref), None, read)

    def reload(self, config: str) -> Call[None]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        raise UnimplementedError(
            "TensorFlow Serving takes new configurations over gRPC only; connect with grpc:// to reload."
        )


def error_message(payload: bytes) -> str:
    """Return what the body of a failed answer says: ``{"error": ...}``, or the text a proxy wrote.

    Example:
        >>> error_message(b'{"error": "Malformed request: GET /x"}')
        'Malformed request: GET /x'
    """
    try:
        return str(json_bytes.loads(payload)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return " ".join(payload.decode(errors="replace").split())[:300]


def _call(path: str, document: Any, read: Callable[[Any], T]) -> Call[T]:
    def parse(payload: bytes) -> T:
        try:
            return read(json_bytes.loads(payload))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InternalError(
                f"The server's answer to {path} is not the document it should be "
                f"({type(error).__name__}: {error}): {payload[:80]!r}"
            ) from error

    return Call(path, None if document is None else json_bytes.dumps(document), parse)


def _model_path(ref: ModelRef) -> str:
    path = f"/v1/models/{quote(ref.name, safe='')}"
    if ref.version is not None:
        return f"{path}/versions/{ref.version}"
    if ref.label is not None:
        return f"{path}/labels/{quote(ref.label, safe='')}"
    return path


def _spec(info: Any, optional: bool = False) -> TensorSpec:
    shape = info["tensor_shape"]
    sizes = None
    if not shape.get("unknown_rank"):
        dims = [int(dim["size"]) for dim in shape.get("dim", [])]
        sizes = tuple(None if size < 0 else size for size in dims)
    return TensorSpec(name_of(info["dtype"]), sizes, optional)


def _signature(definition: Any) -> Signature:
    defaults = definition.get("defaults", {})
    return Signature(
        {name: _spec(info, name in defaults) for name, info in sorted(definition.get("inputs", {}).items())},
        {name: _spec(info) for name, info in sorted(definition.get("outputs", {}).items())},
        definition.get("method_name", ""),
    )


def _b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode("ascii")}


def _strings_to_json(array: NDArray[Any]) -> Any:
    encoded = np.empty(array.shape, object)
    encoded.reshape(-1)[:] = [_b64(item) for item in array.ravel().tolist()]
    return encoded.tolist()


def _examples_to_json(
    name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
) -> dict[str, Any]:
    def features(example: dict[str, Feature]) -> dict[str, list[Any]]:
        return {
            key: [_b64(value) for value in feature.values] if feature.kind == "bytes_list" else feature.values
            for key, feature in example.items()
        }

    document: dict[str, Any] = {"signature_name": name, "examples": [features(one) for one in examples]}
    if context is not None:
        document["context"] = features(context)
    return document


def _array(value: Any, spec: TensorSpec) -> NDArray[Any]:
    """Return a JSON value as an array of the type that the signature promises."""
    shape, leaves = _flatten(value)
    if spec.dtype == "string":
        leaves = [_to_bytes(leaf) for leaf in leaves]
    array = np.empty(len(leaves), numpy_dtype(spec.dtype))
    array[:] = leaves
    if not leaves and spec.shape is not None:
        # `[]` does not tell the sizes behind the empty axis; the signature knows the fixed ones.
        shape += [size or 0 for size in spec.shape[len(shape) :]]
    return array.reshape(shape)


def _flatten(value: Any) -> tuple[list[int], list[Any]]:
    """Return the shape of nested lists, and what they hold in row-major order.

    Example:
        >>> _flatten([[1, 2, 3], [4, 5, 6]])
        ([2, 3], [1, 2, 3, 4, 5, 6])
    """
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        lengths = set(map(len, level))
        if len(lengths) > 1:
            raise ValueError("rows of different lengths")
        shape += lengths
        level = list(chain.from_iterable(level))
    return shape, level


def _to_bytes(value: Any) -> bytes:
    if isinstance(value, dict):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except binascii.Error as error:
            raise ValueError(f"bad base64: {error}") from None
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    raise TypeError(f"expected a string, got {type(value).__name__}")
