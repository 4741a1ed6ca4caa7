"""The table of layers that can be written as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tfdeconv.errors import ExportError
from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.graph import Graph, Value

Rule: TypeAlias = Callable[[Graph, Call], Value | list[Value]]

RULES: dict[type, Rule] = {}
"""Class of a layer -> what writes its nodes. Derived classes may compute something else and have none."""


def rule(*kinds: type) -> Callable[[Rule], Rule]:
    """Register a function as the rule of those classes."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


def refuse(call: Call, reason: str) -> ExportError:
    """Return the error of a layer that cannot be written.

    Example:
        >>> import keras
        >>> str(refuse(Call("up", keras.layers.Identity(), (), {}, ()), "is too large."))
        "Layer 'up' (Identity) is too large."
    """
    return ExportError(f"Layer {call.path!r} ({type(call.operation).__name__}) {reason}")


def one_input(call: Call) -> Value:
    """Return the only tensor that the call reads."""
    value: Any = call.args[0] if call.args else next(iter(call.kwargs.values()))
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Value):
        raise refuse(call, "is called with something else than one tensor, which has no ONNX form here.")
    return value
