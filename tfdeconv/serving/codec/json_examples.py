"""Classify and regress requests and answers in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tensorflow.core.example import example_pb2, feature_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving import cancellation
from tfdeconv.serving.codec import (
    example_input,
    json_document,
    json_lenient,
    json_predict,
    json_quote,
    json_size,
    json_tensor,
)


def parse_request(body: bytes, *, max_values: int = json_size.MAX_VALUES) -> tuple[str, list[bytes]]:
    """Return the signature's name and the serialized examples of a request.

    Args:
        body: ``{"signature_name"?, "context"?: {...}, "examples": [{...}]}``.
        max_values: Most values. Defaults to 4 million.

    Raises:
        InvalidRequestError: Whatever TensorFlow Serving refuses, in its words.
        ResourceExhaustedError: Too many values, or a context that is too large for so many examples.
    """
    document = json_document.parse(body, max_values=max_values)
    signature = json_predict.signature_name(document)
    context = _example(document["context"]) if "context" in document else b""
    if "examples" not in document:
        raise _format_error(document, "When method is classify, key 'examples' is expected and was not found")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise _format_error(document, "'examples' value is an empty array")
    example_input.check_context(len(context), len(examples))
    return signature, [context + encoded for encoded in map(_checked_example, examples)]


def _format_error(document: dict[str, Any], text: str) -> InvalidRequestError:
    return InvalidRequestError(f"JSON Value: {json_quote.to_text(document)} {text}")


def _checked_example(value: Any) -> bytes:
    cancellation.check()
    return _example(value)


def _example(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise InvalidRequestError(f"Example must be JSON object but got JSON {json_quote.type_name(value)}")
    example = example_pb2.Example()
    for name, content in json_lenient.last_members(value).items():
        feature = _feature(name, content if isinstance(content, list) else [content])
        example.features.feature[name].CopyFrom(feature)
    return bytes(example.SerializeToString(deterministic=True))


def _feature(name: str, values: list[Any]) -> feature_pb2.Feature:
    """A list's first value sets the kind: bytes, float, or int64 for whole numbers and Booleans."""
    feature = feature_pb2.Feature()
    lists = {"bytes": feature.bytes_list, "float": feature.float_list, "int64": feature.int64_list}
    kind = ""
    converted: list[Any] = []
    for value in values:
        found = _kind(name, value)
        if kind and found != kind:
            raise InvalidRequestError(f"Unexpected element type in feature: {name} expecting type: {kind}")
        kind = found
        converted.append(_converted(name, kind, value))
    if kind:
        lists[kind].value.extend(converted)
    return feature


def _kind(name: str, value: Any) -> str:
    if isinstance(value, int):  # a Boolean too
        return "int64"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str) or json_tensor.is_base64_object(value):
        return "bytes"
    raise InvalidRequestError(
        f"Feature: {name} has element with unexpected JSON type: {json_quote.type_name(value)}"
    )


def _converted(name: str, kind: str, value: Any) -> Any:
    if kind == "float":
        return _as_float32(value)
    if kind == "bytes":
        text = isinstance(value, str)
        return value.encode("utf-8", "surrogateescape") if text else json_tensor.decode_base64(value)
    if value >= 1 << 63:
        raise InvalidRequestError(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    return int(value)


def _as_float32(value: float) -> float:
    """Return a number as a feature holds it; beyond the largest float32 is infinite."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def build_response(results: Sequence[Any]) -> bytes:
    """Return the JSON answer of a classification (lists of label and score) or a regression (numbers).

    Example:
        >>> build_response([[("low", 0.25)]])
        b'{"results":[[["low",0.25]]]}'
    """
    return json_document.dump_leniently({"results": _shortest(results)})


def _shortest(value: Any) -> Any:
    """Print float32 scores with their own digits, not with those of the double."""
    if isinstance(value, float):
        return float(str(np.float32(value)))
    if isinstance(value, list | tuple):
        return [_shortest(item) for item in value]
    return value
