"""Layers that are called with a list of two tensors."""

from __future__ import annotations

from typing import Any

from tfdeconv.errors import InvalidArgumentError


def tensor_pair(inputs: Any, names: str) -> tuple[Any, Any]:
    """Return the two tensors of ``inputs``.

    Args:
        inputs: What the layer was called with.
        names: How the call is written, for the error.

    Raises:
        InvalidArgumentError: ``inputs`` is not a list or tuple of two.

    Example:
        >>> tensor_pair(["x", "reference"], "[x, reference]")
        ('x', 'reference')
    """
    if not isinstance(inputs, list | tuple) or len(inputs) != 2:
        received = f"{len(inputs)} tensors" if isinstance(inputs, list | tuple) else "one tensor"
        raise InvalidArgumentError(
            f"The layer is called with a list of two tensors, {names}; received {received}."
        )
    return inputs[0], inputs[1]
