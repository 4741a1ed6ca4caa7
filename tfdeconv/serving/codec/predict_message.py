"""PredictRequest and PredictResponse without copying their tensors."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from tensorflow_serving.apis import model_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import tensor_proto, wire_format
from tfdeconv.serving.model_spec import ModelSpec

_MODEL_SPEC, _INPUTS, _OUTPUT_FILTER = 1, 2, 3


class EncodedInputs(Mapping[str, np.ndarray[Any, Any]]):
    """Named tensors of a request, decoded when asked for.

    A request is checked against the signature by name before anything is decoded, as TensorFlow
    Serving does, so that its errors come in the same order.
    """

    def __init__(self, encoded: dict[str, memoryview], *, max_filled_bytes: int) -> None:
        self._encoded = encoded
        self._max_filled_bytes = max_filled_bytes

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        try:
            return tensor_proto.decode(self._encoded[name], max_filled_bytes=self._max_filled_bytes)
        except tensor_proto.TensorParsingError:
            raise InvalidRequestError(f"tensor parsing error: {name}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._encoded  # the inherited one decodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


@dataclasses.dataclass(frozen=True, slots=True)
class PredictCall:
    """A parsed PredictRequest.

    Attributes:
        spec: The wanted model, or None where the message has no ``model_spec``.
        inputs: The named tensors.
        output_filter: Wanted output names in order; empty for all.
    """

    spec: ModelSpec | None
    inputs: EncodedInputs
    output_filter: tuple[str, ...]


def spec_from_message(message: model_pb2.ModelSpec) -> ModelSpec:
    """Return the ModelSpec of its protocol buffer message."""
    choice = message.WhichOneof("version_choice")
    return ModelSpec(
        name=message.name,
        version=message.version.value if choice == "version" else None,
        version_label=message.version_label if choice == "version_label" else None,
        signature_name=message.signature_name,
    )


def spec_to_message(spec: ModelSpec) -> model_pb2.ModelSpec:
    """Return the protocol buffer message of a resolved ModelSpec."""
    message = model_pb2.ModelSpec(name=spec.name, signature_name=spec.signature_name)
    if spec.version is not None:
        message.version.value = spec.version
    return message


def parse_request(data: bytes, *, max_filled_bytes: int = tensor_proto.MAX_FILLED_BYTES) -> PredictCall:
    """Return the call that a serialized PredictRequest asks for.

    Args:
        data: The message as received.
        max_filled_bytes: Largest tensor that repeated values may fill.

    Raises:
        InvalidRequestError: The bytes are not a PredictRequest.
    """
    spec: ModelSpec | None = None
    inputs: dict[str, memoryview] = {}
    output_filter: list[str] = []
    try:
        for number, wire_type, value in wire_format.fields(memoryview(data)):
            if wire_type != wire_format.LENGTH_DELIMITED or not isinstance(value, memoryview):
                continue
            if number == _INPUTS:
                name, tensor = _map_entry(value)
                inputs[name] = tensor
            elif number == _MODEL_SPEC:
                spec = _read_spec(bytes(value))
            elif number == _OUTPUT_FILTER:
                output_filter.append(str(value, "utf-8"))
    except Exception as error:  # MalformedMessageError, UnicodeDecodeError, protobuf's DecodeError
        raise InvalidRequestError(f"The message is not a PredictRequest: {error}") from None
    encoded = EncodedInputs(inputs, max_filled_bytes=max_filled_bytes)
    return PredictCall(spec, encoded, tuple(output_filter))


# Requests name the same few models over and over.
@functools.lru_cache(maxsize=1024)
def _read_spec(data: bytes) -> ModelSpec:
    return spec_from_message(model_pb2.ModelSpec.FromString(data))


@functools.lru_cache(maxsize=1024)
def _write_spec(spec: ModelSpec) -> bytes:
    return bytes(spec_to_message(spec).SerializeToString())


def _map_entry(data: memoryview) -> tuple[str, memoryview]:
    name, tensor = "", memoryview(b"")
    for number, wire_type, value in wire_format.fields(data):
        if wire_type == wire_format.LENGTH_DELIMITED and isinstance(value, memoryview):
            if number == 1:
                name = str(value, "utf-8")
            elif number == 2:
                tensor = value
    return name, tensor


def build_response(
    spec: ModelSpec, outputs: Mapping[str, np.ndarray[Any, Any]], *, as_content: bool = False
) -> bytes:
    """Return a serialized PredictResponse.

    Args:
        spec: The resolved model, version and signature.
        outputs: Name to array.
        as_content: Send ``tensor_content`` instead of typed fields. Defaults to False.
    """
    parts: list[bytes | memoryview] = []
    for name, array in outputs.items():
        key = name.encode()
        tensor = tensor_proto.encode_parts(array, as_content=as_content)
        size = sum(map(len, tensor))
        entry = wire_format.header(1, len(key)) + key + wire_format.header(2, size)
        parts += [wire_format.header(1, len(entry) + size), entry, *tensor]
    encoded_spec = _write_spec(spec)
    parts += [wire_format.header(2, len(encoded_spec)), encoded_spec]
    return b"".join(parts)
