"""Feature dictionaries of classify and regress: what becomes an int64, a float or a bytes feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from tfdeconv.errors import InvalidRequestError


class Feature(NamedTuple):
    """One feature of a ``tf.Example``: the list it goes to and its values."""

    kind: Literal["int64_list", "float_list", "bytes_list"]
    values: list[Any]


def read_examples(examples: Iterable[Mapping[str, Any]]) -> list[dict[str, Feature]]:
    """Return the features of every example.

    Raises:
        InvalidRequestError: No example, or one that is not a mapping of features.
    """
    if isinstance(examples, Mapping | str | bytes):
        raise InvalidRequestError(
            f"examples must be a list of dicts, one per example; received a {type(examples).__name__}."
        )
    read = [read_example(example) for example in examples]
    if not read:
        raise InvalidRequestError("examples must hold at least one example; received none.")
    return read


def read_example(example: Mapping[str, Any]) -> dict[str, Feature]:
    """Return the features of one example.

    Example:
        >>> read_example({"age": 3, "weight": [1.5]})
        {'age': Feature(kind='int64_list', values=[3]), 'weight': Feature(kind='float_list', values=[1.5])}
    """
    if not isinstance(example, Mapping):
        raise InvalidRequestError(
            f"An example must be a dict from feature names to values; received a {type(example).__name__}."
        )
    return {name: _read_feature(name, value) for name, value in example.items()}


def _read_feature(name: str, value: Any) -> Feature:
    values = value if isinstance(value, list | tuple) else [value]
    if values and all(isinstance(item, str | bytes) for item in values):
        return Feature("bytes_list", [item.encode() if isinstance(item, str) else item for item in values])
    try:
        array = np.asarray(value).reshape(-1)
    except ValueError:  # lists of different lengths
        array = np.empty(0, object)
    if array.dtype.kind in "biu":
        return Feature("int64_list", array.astype(np.int64).tolist())
    if array.dtype.kind == "f":
        return Feature("float_list", array.tolist())
    raise InvalidRequestError(
        f"Feature {name!r} must hold integers, floats, or strings, of one kind; received {value!r:.80}."
    )
