"""From what a caller passes to the named, typed arrays that a signature takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.client.values.element_types import numpy_dtype
from tfdeconv.client.values.results import Signature, TensorSpec, spec_list
from tfdeconv.errors import InvalidRequestError


def bind(inputs: Any, name: str, signature: Signature) -> dict[str, NDArray[Any]]:
    """Return one array of the right type for every input of the signature that was given.

    Args:
        inputs: A mapping from input names, or the value of the only input.
        name: Name of the signature, for messages.
        signature: What the model takes.

    Raises:
        InvalidRequestError: Names do not match the signature, or a value cannot become the type wanted.

    Example:
        >>> x = Signature({"x": TensorSpec("float32", (None,))}, {})
        >>> bind([1, 2], "serving_default", x)
        {'x': array([1., 2.], dtype=float32)}
    """
    wanted = f"Signature {name!r} takes {spec_list(signature.inputs) or 'no inputs'}"
    if not isinstance(inputs, Mapping):
        required = [key for key, spec in signature.inputs.items() if not spec.optional]
        candidates = required or list(signature.inputs)
        if len(candidates) != 1:
            raise InvalidRequestError(f"{wanted}; pass a dict from these names to values.")
        inputs = {candidates[0]: inputs}
    extra = sorted(set(inputs) - set(signature.inputs))
    missing = sorted(k for k, spec in signature.inputs.items() if not spec.optional and k not in inputs)
    if extra or missing:
        faults = [f"missing: {', '.join(missing)}"] * bool(missing)
        faults += [f"not an input: {', '.join(map(repr, extra))}"] * bool(extra)
        raise InvalidRequestError(f"{wanted}; {'; '.join(faults)}.")
    return {key: cast(value, key, signature.inputs[key]) for key, value in inputs.items()}


def cast(value: Any, name: str, spec: TensorSpec) -> NDArray[Any]:
    """Return a value as an array of the spec's type, without losing what it holds.

    Integers become floats and any width of the same kind, if the values fit; floats never become integers,
    nor numbers strings. Shapes are left to the server, which knows what its operations take.

    Raises:
        InvalidRequestError: The value is of another kind, ragged, or out of the type's range.
    """
    if spec.dtype == "string":
        return _strings(value, name, spec)
    target = numpy_dtype(spec.dtype)
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        raise _mismatch(name, spec, "rows of different lengths") from None
    if array.dtype == target:
        return array
    if array.dtype.kind in "SUO":
        raise _mismatch(name, spec, _kind_of(value), hint=_STRINGS_HINT if array.dtype.kind in "SU" else "")
    if not _same_or_wider_kind(array.dtype, target):
        raise _mismatch(name, spec, f"{array.dtype} {list(array.shape)}")
    with np.errstate(over="ignore"):
        result = array.astype(target)
    if not _kept(array, result):
        raise _mismatch(name, spec, f"values from {array.min()} to {array.max()}, which do not fit")
    return result


_STRINGS_HINT = " To send encoded images or text, choose a signature that takes strings."


def _same_or_wider_kind(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    # ml_dtypes.bfloat16 has kind "V"; it is a float.
    rank = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}
    return (
        source.kind in rank
        and rank[source.kind] <= rank[target.kind]
        and (target.kind != "b" or source.kind == "b")
    )


def _kept(array: NDArray[Any], result: NDArray[Any]) -> bool:
    """Return whether a cast kept integers exactly and finite floats finite."""
    if array.dtype.kind in "iu" and result.dtype.kind in "iu":
        return bool((array == result).all() and ((array < 0) == (result < 0)).all())
    return bool(np.isfinite(result).all() or (np.isfinite(result) == np.isfinite(array)).all())


def _strings(value: Any, name: str, spec: TensorSpec) -> NDArray[Any]:
    """Return an object array of bytes; text becomes UTF-8."""
    if isinstance(value, bytes | bytearray | memoryview | str):
        array = np.empty((), object)
        array[()] = value
    elif isinstance(value, np.ndarray):
        array = value.astype(object)
    elif isinstance(value, Sequence):
        array = _nested(value, name, spec)
    else:
        raise _mismatch(name, spec, _kind_of(value))
    flat = [_to_bytes(item, name, spec) for item in array.ravel().tolist()]
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(array.shape)


def _nested(value: Sequence[Any], name: str, spec: TensorSpec) -> NDArray[Any]:
    """Return nested lists of strings as an array: NumPy itself would cut bytes at their trailing zeros."""
    if not all(isinstance(item, list | tuple) for item in value):
        array = np.empty(len(value), object)
        array[:] = value
        return array
    rows = [_nested(item, name, spec) for item in value]
    if len({row.shape for row in rows}) > 1:
        raise _mismatch(name, spec, "rows of different lengths")
    return np.stack(rows) if rows else np.empty(0, object)


def _to_bytes(item: Any, name: str, spec: TensorSpec) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(item)
    raise _mismatch(name, spec, f"an element of type {type(item).__name__}")


def _kind_of(value: Any) -> str:
    if isinstance(value, str | bytes | bytearray):
        return f"{type(value).__name__} of length {len(value)}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return f"a {type(value).__name__}"


def _mismatch(name: str, spec: TensorSpec, received: str, hint: str = "") -> InvalidRequestError:
    return InvalidRequestError(f"Input {name!r} takes {spec}; received {received}.{hint}")
