"""What the forward of a PyTorch module sees instead of tensors while a Keras model is built from it.

PyTorch hands every function that is called with an object of :class:`TracedTensor` to its
``__torch_function__``. So the forward itself runs, with its hooks, parametrizations and branches on sizes,
and each call adds layers to the model. What has no equivalent is refused when it is called.

References:
    PyTorch's notes, "Extending torch with a Tensor wrapper type" and "Subclassing torch.Tensor".
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from functools import cache
from inspect import getattr_static
from typing import Any

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.pytorch.functions.activations import DROPOUTS
from tfdeconv.errors import ConversionError

Call = Callable[..., Any]

VIEWS = {
    "chunk", "detach", "expand", "expand_as", "flatten", "getitem", "mT", "movedim", "narrow", "permute",
    "reshape", "select", "slice", "split", "squeeze", "tensor_split", "transpose", "unbind", "unflatten",
    "unsqueeze", "view", "view_as",
}  # fmt: skip
"""Functions whose results may share memory with their input."""

ITSELF = {"contiguous", "cpu", "requires_grad_", "same", *DROPOUTS}
"""Functions that return their input itself, so that what changes one in place changes the other."""


class TracedTensor:
    """A tensor of which the shape and the layers that compute it are known, but no numbers.

    Objects are of a subclass of ``torch.Tensor``, too, as a forward may ask.
    """

    def __new__(cls, *_: Any) -> Any:
        """Return a tensor without memory, so that whatever reads numbers past this class fails."""
        return _torch().Tensor._make_wrapper_subclass(_tensor_class(), (0,))

    def __init__(self, value: Value, call: Call, shared: weakref.WeakSet[TracedTensor] | None = None) -> None:
        self.value = value
        self._call = call
        self._shared: weakref.WeakSet[TracedTensor] = weakref.WeakSet() if shared is None else shared
        self._shared.add(self)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Take a call of PyTorch's that holds traced tensors."""
        kwargs = kwargs or {}
        return first_traced((args, kwargs))._call(function, args, kwargs)

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Refuse what PyTorch does not hand to ``__torch_function__``: it would read numbers."""
        raise ConversionError(f"Something reads the numbers of a tensor by {function}, which has no layer.")

    def overwrite(self, result: TracedTensor) -> TracedTensor:
        """Take the value of ``result``, as a function that works in place does.

        Raises:
            ConversionError: Another tensor that is still in use may lie in the same memory.
        """
        if len(self._shared) > 1:
            raise ConversionError(
                "A tensor is changed in place while a view of it is in use. Call the function that returns a "
                "new tensor (inplace=False)."
            )
        self.value = result.value
        return self

    def sharing(self, value: Value) -> TracedTensor:
        """Return another tensor in this one's memory."""
        return TracedTensor(value, self._call, self._shared)

    @property
    def shape(self) -> tuple[int | UnknownSize, ...]:
        """The sizes, as far as they are known."""
        return self.value.shape

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes or one of them."""
        return self.shape if dim is None else self.shape[dim]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.rank

    def dim(self) -> int:
        """Return the number of axes."""
        return self.value.rank

    ndimension = dim

    def numel(self) -> Any:
        """Return the number of elements."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return getattr(_torch(), self.value.dtype)

    @property
    def device(self) -> Any:
        """The CPU."""
        return _torch().device("cpu")

    requires_grad = False
    is_leaf = True
    grad = grad_fn = None
    layout = property(lambda self: _torch().strided)
    data = property(lambda self: self)

    def is_floating_point(self) -> bool:
        """Return whether the elements are no integers."""
        return bool(self.dtype.is_floating_point)

    def is_contiguous(self, **_: Any) -> bool:
        """Return True: memory has no order here."""
        return True

    def get_device(self) -> int:
        """Return the CPU's number."""
        return -1

    def __len__(self) -> Any:
        return self.shape[0]

    def __iter__(self) -> Any:
        raise ConversionError("A loop over the examples of a batch has no layer.")

    def __bool__(self) -> bool:
        raise ConversionError(
            "The forward branches on the numbers of a tensor, which no model of layers does."
        )

    __int__ = __float__ = __index__ = __bool__

    def __getitem__(self, key: Any) -> Any:
        return self._call("getitem", (self, key), {})

    def __neg__(self) -> Any:
        return self._call("neg", (self,), {})

    def __invert__(self) -> Any:
        return self._call("bitwise_not", (self,), {})

    def __setitem__(self, key: Any, item: Any) -> None:
        raise ConversionError(
            "Assigning to a part of a tensor has no layer. Join the parts by torch.cat or torch.stack, or "
            "choose between two tensors by torch.where."
        )

    def __repr__(self, **_: Any) -> str:
        return f"TracedTensor{self.shape}"

    def __format__(self, spec: str) -> str:
        return repr(self)


def _operator(name: str, *, flipped: bool = False) -> Callable[..., Any]:
    def method(self: TracedTensor, other: Any) -> Any:
        return self._call(name, (other, self) if flipped else (self, other), {})

    return method


for _name, _function in {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow", "matmul": "matmul",
    "floordiv": "floor_divide", "mod": "remainder", "and": "bitwise_and", "or": "bitwise_or",
}.items():  # fmt: skip
    setattr(TracedTensor, f"__{_name}__", _operator(_function))
    setattr(TracedTensor, f"__r{_name}__", _operator(_function, flipped=True))
    setattr(TracedTensor, f"__i{_name}__", _operator(f"{_function}_"))

for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(TracedTensor, f"__{_name}__", _operator(_name))
TracedTensor.__hash__ = object.__hash__  # type: ignore[method-assign]


@cache
def _tensor_class() -> type:
    """:class:`TracedTensor` as a ``torch.Tensor`` whose methods take sizes that are unknown, too."""
    tensor = _torch().Tensor
    names = [name for name in dir(tensor) if not name.startswith("__") and not hasattr(TracedTensor, name)]
    members = {name: _member(name, callable(getattr_static(tensor, name))) for name in names}
    return type(TracedTensor.__name__, (TracedTensor, tensor), members)


def _member(name: str, is_method: bool) -> Any:
    """A method or a property of ``torch.Tensor``; of the kinds of tensors that it tells it is none."""
    if is_method:

        def method(self: TracedTensor, *args: Any, **kwargs: Any) -> Any:
            return self._call(name, (self, *args), kwargs)

        return method
    return False if name.startswith("is_") else property(lambda self: self._call(name, (self,), {}))


def first_traced(nested: Any) -> Any:
    """Return the first traced tensor in nested arguments; None where there is none."""
    if isinstance(nested, TracedTensor):
        return nested
    items = nested.values() if isinstance(nested, dict) else nested
    if isinstance(nested, list | tuple | dict):
        for item in items:
            found = first_traced(item)
            if found is not None:
                return found
    return None


def mapped(nested: Any, change: Callable[[Any], Any]) -> Any:
    """Return nested lists, tuples and mappings with ``change`` applied to what they hold."""
    if isinstance(nested, dict):
        return {key: mapped(item, change) for key, item in nested.items()}
    if isinstance(nested, list | tuple):
        items = [mapped(item, change) for item in nested]
        return type(nested)(*items) if hasattr(nested, "_fields") else type(nested)(items)
    return change(nested)


def _torch() -> Any:
    import torch

    return torch
