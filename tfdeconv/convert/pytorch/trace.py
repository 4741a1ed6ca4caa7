"""A Keras model from the run of a PyTorch forward on traced tensors."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph.naming import make_names_distinct
from tfdeconv.convert.graph.values import Value, value_of_image
from tfdeconv.convert.messages import joined, one_line
from tfdeconv.convert.operators import activations
from tfdeconv.convert.pytorch.functions import known
from tfdeconv.convert.pytorch.inputs import torch_class
from tfdeconv.convert.pytorch.surroundings import following
from tfdeconv.convert.pytorch.tensors import ITSELF, VIEWS, TracedTensor, first_traced, mapped
from tfdeconv.errors import ConversionError

EVERYWHERE = {
    "relu", "relu6", "leaky_relu", "hardtanh", "clamp", "elu", "celu", "gelu", "softplus",
    "threshold", "hardshrink", "softshrink", "rrelu", "clamp_min", "clamp_max", *activations.NAMED,
}  # fmt: skip
"""Functions that treat all elements alike, in whatever order they lie."""

TYPES = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "long": "int64",
    "int": "int32", "bool": "bool",
}  # fmt: skip
"""Methods that cast a tensor -> its type."""

CASTS = ("to", "type_as", "type", "cuda", *TYPES)


class UnfollowedError(ConversionError):
    """The forward does what tensors without numbers cannot."""


class Trace:
    """One run of a forward: the function calls of PyTorch as layers."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.names = {id(inner): name for name, inner in module.named_modules()}
        self.stack: list[Any] = []
        self.used: set[str] = set()
        self.shared: dict[Any, Any] = {}

    def where(self) -> str:
        """The module that runs, as messages call it."""
        module = self.stack[-1] if self.stack else self.module
        name = self.names.get(id(module), "")
        return f"Module {name!r} ({type(module).__name__})" if name else type(module).__name__

    def layer_name(self, function: str) -> str | None:
        """A name for the layer of a function: its module's; in a module of modules the function's, too."""
        module = self.stack[-1] if self.stack else self.module
        path = self.names.get(id(module), "")
        if not path:
            return None
        simple = torch_class(module) or not any(True for _ in module.children())
        wanted = path if simple and path not in self.used else f"{path}.{function}"
        name, count = wanted, 1
        while name in self.used:
            count += 1
            name = f"{wanted}_{count}"
        self.used.add(name)
        return name

    def call(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Add the layers of one function call; return traced tensors.

        Raises:
            ConversionError: The call has no equivalent.
        """
        name = _function_name(function)
        try:
            return self._called(name, function, args, kwargs)
        except ConversionError as error:
            if str(error).startswith(("Module ", self.where())):
                raise
            raise ConversionError(joined(self.where(), str(error))) from error

    def _called(self, name: str, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        in_place = kwargs.get("inplace", False) or (name.endswith("_") and not name.endswith("__"))
        name = name.strip("_") if name not in known.VALUES else name
        name = known.ALIASES.get(name, name)
        args, kwargs = _by_schema(function, args, kwargs)
        target = first_traced((args, kwargs))
        if in_place and args and target is not args[0]:
            raise ConversionError(
                f"changes a constant in place by {name}, with numbers that are computed from the input. Call "
                "the function that returns a new tensor."
            )
        if name in ("cast", *CASTS):
            return self._cast(name, args[0], args, kwargs)
        if name == "sym_size":
            return target.shape[kwargs["dim"] if "dim" in kwargs else args[1]]
        if name in ("dim", "size", "numel", "is_floating_point"):
            return getattr(target, name)(*args[1:], **kwargs)
        args, kwargs = mapped(list(args), _value), mapped(kwargs, _value)
        if name == "max_pool2d" and kwargs.get("return_indices"):
            name = "max_pool_with_indices"
        result = self._layers(name, list(args), kwargs)
        if name in ITSELF:
            return target
        if in_place:
            return target.overwrite(TracedTensor(result, self.call))
        make = target.sharing if name in VIEWS else lambda value: TracedTensor(value, self.call)
        return mapped(result, lambda each: make(each) if isinstance(each, Value) else each)

    def _cast(self, name: str, tensor: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """A cast, also of a constant to the type of a traced tensor, or a move to a device: nothing."""
        torch = sys.modules["torch"]
        wanted = [getattr(torch, TYPES[name])] if name in TYPES else []
        for given in (*args[1:], *kwargs.values()):
            legacy = isinstance(given, str) and given.endswith("Tensor")  # "torch.FloatTensor"
            wanted.append(getattr(getattr(torch, given[6:]) if legacy else given, "dtype", given))
        dtypes = [each for each in wanted if isinstance(each, torch.dtype)]
        if not dtypes or dtypes[-1] == tensor.dtype:
            return tensor
        if not isinstance(tensor, TracedTensor):
            return tensor.to(dtypes[-1])
        cast = keras.ops.cast(tensor.value.tensor, str(dtypes[-1]).removeprefix("torch."))
        return TracedTensor(tensor.value.with_tensor(cast), self.call)

    def _layers(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name in known.STEPS and name not in known.VALUES:
            return self._steps(name, args, kwargs)
        if name not in known.VALUES:
            names = {*known.STEPS, *known.VALUES} - {"same"}
            listed = ", ".join(sorted(each for each in names if not each.startswith("_")))
            raise ConversionError(
                f"calls PyTorch's {name!r}, which has no converter. Converted are: {listed}."
            )
        handler = known.VALUES[name]
        _check_arguments(name, handler, args, kwargs, hidden=1)
        return handler(None if name in VIEWS else self.layer_name(name), *args, **kwargs)

    def _steps(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Value:
        value, *rest = args if args else [kwargs.pop(next(key for key in ("input", "self") if key in kwargs))]
        if not isinstance(value, Value):
            raise ConversionError(f"PyTorch's {name!r} is called with weights as its first argument.")
        handler = known.STEPS[name]
        _check_arguments(name, handler, rest, kwargs, hidden=1)
        key = _key(name, value.rank, rest, kwargs)
        if key is None or key not in self.shared:
            extra = {"channels": value.static_shape[1]} if name in ("instance_norm", "group_norm") else {}
            steps = handler(value.place(self.layer_name(name)), *rest, **kwargs, **extra)
            # the arguments are kept alive, so that no other tensor can get their identity
            self.shared[key] = (steps, rest, kwargs)
            if key is None:
                del self.shared[key]
        else:
            steps = self.shared[key][0]
        return value.everywhere(steps) if name in EVERYWHERE else value.through(steps)


def _function_name(function: Any) -> str:
    """The name of a function of PyTorch, whatever kind of object it is."""
    if isinstance(function, str):
        return function
    schema = getattr(function, "_schema", None)
    if schema is not None:
        return str(schema.name).split("::")[-1]
    name = str(getattr(function, "__name__", function))
    if name == "__get__":  # a property of Tensor
        return str(function.__self__.__name__)
    return name.strip("_") if name.startswith("__") else name


AS_THEY_COME = (
    "bmm", "einsum", "expand", "flip", "linalg_vector_norm", "permute", "repeat", "reshape", "round",
    "split_with_sizes", "swapaxes", "swapdims", "tensor_split", "view", "where",
)  # fmt: skip
"""ATen operators whose parameters have other names than those of PyTorch's functions."""

ATEN_ORDER = ("batch_norm", "instance_norm", "group_norm", "layer_norm")
"""Functions of ``torch`` whose parameters lie otherwise than those of ``torch.nn.functional``."""


def _by_schema(
    function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """The arguments of an ATen operator by name, all but the first."""
    schema = getattr(function, "_schema", None)
    if schema is None and inspect.isbuiltin(function) and function.__name__ in ATEN_ORDER:
        schema = getattr(sys.modules["torch"].ops.aten, function.__name__).default._schema
    if schema is None or len(args) < 2:
        return args, kwargs
    if _function_name(function) in AS_THEY_COME:
        return args, kwargs
    names = [argument.name for argument in schema.arguments]
    return args[:1], {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}


def _value(argument: Any) -> Any:
    return argument.value if isinstance(argument, TracedTensor) else argument


def _check_arguments(
    name: str, handler: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], hidden: int
) -> None:
    """Refuse arguments that the converter does not know."""
    try:
        inspect.signature(handler).bind(*(None,) * hidden, *args, **kwargs)
    except TypeError as error:
        given = ", ".join([*("..." for _ in args), *(f"{key}={value!r}" for key, value in kwargs.items())])
        raise ConversionError(f"{name}({given}) is called in a way that has no converter: {error}.") from None


def _key(name: str, rank: int, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What two calls have in common that share their weights; None where there are none."""
    tensor = sys.modules["torch"].Tensor
    items = [*args, *kwargs.values()]
    if not any(isinstance(item, tensor) for item in items):
        return None
    seen = [id(item) if isinstance(item, tensor) else repr(item) for item in items]
    return (name, rank, *kwargs, *seen)


def _line_of_forward(error: BaseException) -> str:
    """Where a forward was when an error came: the innermost line that is no library's."""
    libraries = tuple(
        str(Path(sys.modules[name].__file__ or "").parent) + "/"
        for name in ("torch", "keras", "tfdeconv", "numpy", "contextlib")
    )
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*libraries, "<"))]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def trace_module(
    module: Any,
    shapes: Sequence[Sequence[int | None]],
    dtype: str | None,
    data_format: str,
    batch: int | None = None,
) -> keras.Model:
    """Return the functional model of what ``module`` computes in evaluation mode.

    Args:
        module: A ``torch.nn.Module``.
        shapes: The shapes of its inputs without the batch, in the layout of ``data_format``.
        dtype: The type of the inputs; None: Keras's default.
        data_format: The layout of the model.
        batch: The number of examples where it is fixed.

    Raises:
        ConversionError: The module calls something that has no equivalent.
    """
    trace = Trace(module)
    inputs = [keras.Input(tuple(shape), batch_size=batch, dtype=dtype) for shape in shapes]
    traced = [TracedTensor(value_of_image(tensor, data_format), trace.call) for tensor in inputs]
    with following(module, trace.stack, trace.call):
        try:
            outputs = module(*traced)
        except ConversionError as error:
            raise type(error)(f"{error}{_line_of_forward(error)}") from error
        except Exception as error:  # whatever the forward does that tensors without numbers cannot
            told = one_line(error)
            if UnknownSize.__name__ in told:
                told = "a size of the input that is unknown is taken for a number"
            raise UnfollowedError(
                f"The forward of {type(module).__name__} cannot be followed in {trace.where()}: "
                f"{told} (where it computes with sizes or channels of its input, "
                f"give input_shape=).{_line_of_forward(error)}"
            ) from error
    results = mapped(outputs, _output)
    make_names_distinct(keras.tree.flatten(results))
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, results)


def _output(result: Any) -> Any:
    if not isinstance(result, TracedTensor):
        raise ConversionError(
            f"The forward returns {type(result).__name__}, which does not depend on its input; only tensors "
            "that are computed from the input can be outputs."
        )
    return result.value.image()
