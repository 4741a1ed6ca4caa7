"""PyTorch modules to layers: by running their forward, or by their attributes alone."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras

from tfdeconv import layers
from tfdeconv.convert.graph.chains import chain_or_model, one_layer
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.convert.pytorch.functions import activations, convolutions, normalizations, resizing
from tfdeconv.convert.pytorch.inputs import (
    exported_batch,
    exported_shapes,
    input_shapes,
    input_type,
    without_channels,
)
from tfdeconv.convert.pytorch.trace import UnfollowedError, trace_module
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.data_format import standardize_data_format


def from_torch(
    module: Any, *, input_shape: Sequence[Any] | None = None, data_format: str | None = None
) -> keras.layers.Layer:
    """Return the layer or model that computes what ``module`` computes, with its weights.

    A ``torch.nn.Module`` is converted by what its ``forward`` does in evaluation mode, whatever its class
    is: the forward runs once on tensors without numbers, with its hooks, parametrizations (weight_norm,
    spectral_norm, prune) and branches on sizes, and every function that it calls becomes a layer.
    Converted are convolutions, transposed ones and linear maps with fixed weights, normalisations,
    activations, pooling and unpooling, padding, interpolation, pixel shuffles, arithmetic, concatenation,
    slices, reductions and reshapes behind the batch axis. A ``torch.export.ExportedProgram`` or a
    ``torch.fx.GraphModule`` serves as well; sizes that an export was specialised to (its guards) are not
    checked when the model runs.

    Args:
        module: A ``torch.nn`` module, or any object whose class has the name of one of PyTorch's layers
            and that has the same attributes; ``weight`` and ``bias`` may be arrays.
        input_shape: The input's shape without the batch, in the layout of the result, None where free:
            ``(None, None, 3)``. None: free sizes, the rest as the module's layers tell. Sizes are needed
            where the module branches on them. For several inputs a list of shapes.
        data_format: Layout of the returned layer, whatever PyTorch's is: "channels_last" or
            "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        A layer of tfdeconv or Keras, built where the module has weights; a ``keras.Sequential`` where
        several layers follow one another; a functional ``keras.Model`` where they branch, or where an
        operation has no layer. Layers carry their modules' names. Tensors of batch, channels and spatial
        axes are in the layout of ``data_format``; others, such as the features of a linear layer, as in
        PyTorch. The result of a MaxUnpool2d on its own takes ``[x, switches]``, see
        ``tfdeconv.convert.switches_from_torch``.

    Raises:
        ConversionError: The module has no exact equivalent; the message says why.

    Example:
        >>> import numpy as np
        >>> class ConvTranspose2d:  # what torch.nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1) holds
        ...     weight, bias = np.zeros([8, 3, 4, 4], "float32"), np.zeros([3], "float32")
        ...     stride, padding, output_padding, dilation, groups = (2, 2), (1, 1), (0, 0), (1, 1), 1
        >>> from_torch(ConvTranspose2d())(np.zeros([1, 5, 6, 8], "float32")).shape
        TensorShape([1, 10, 12, 3])

    References:
        PyTorch's documentation of ``torch.nn``; the windows are ``geometry.torch_window``.
    """
    data_format = standardize_data_format(data_format)
    torch = sys.modules.get("torch")
    if type(module).__name__ == "MaxUnpool2d":
        return _max_unpool(module, data_format)
    if torch is not None and isinstance(module, torch.export.ExportedProgram):
        shapes = input_shape or exported_shapes(module, data_format)
        try:
            return _followed(_without_guards(module), shapes, data_format)
        except ConversionError:
            batch = exported_batch(module)
            if batch is None:
                raise
            return _followed(_without_guards(module), shapes, data_format, batch)
    if torch is not None and isinstance(module, torch.jit.ScriptModule):
        raise ConversionError(
            f"{type(module).__name__} is compiled by torch.jit, so that its forward cannot be followed. "
            "Convert the module that it was made of, or export it to ONNX for from_onnx."
        )
    if torch is not None and isinstance(module, torch.nn.Module):
        module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
        return _followed(module, input_shape, data_format)
    return _by_attributes(module, input_shape, data_format)


def _without_guards(program: Any) -> Any:
    """A new module of an exported program, without the hooks that check for tensors and their sizes."""
    guarded = "check_guards" in inspect.signature(program.module).parameters
    module = program.module(check_guards=False) if guarded else program.module()
    module._forward_pre_hooks.clear()
    _call_factories_by_name(module)
    return module


def _call_factories_by_name(module: Any) -> None:
    """Have an exported graph make constants by functions that can be told unknown sizes."""
    torch = sys.modules["torch"]
    for node in module.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        name = "" if schema is None else schema.name.removeprefix("aten::")
        if name in FACTORIES:
            node.target = _calling(torch, name)
    module.recompile()


def _calling(torch: Any, name: str) -> Callable[..., Any]:
    def factory(*args: Any, **options: Any) -> Any:
        return getattr(torch, name)(*args, **options)

    return factory


def _followed(
    module: Any, input_shape: Sequence[Any] | None, data_format: str, batch: int | None = None
) -> keras.layers.Layer:
    uninitialized = sys.modules["torch"].nn.parameter.is_lazy
    lazy = [name for name, parameter in module.named_parameters() if uninitialized(parameter)]
    if lazy:
        raise ConversionError(
            f"{type(module).__name__} has a weight of unknown shape, {lazy[0]!r}: its layer is made by its "
            "first input. Call the module once on an example before it is converted."
        )
    dtype = input_type(module)
    shapes = input_shapes(module, input_shape, data_format)
    try:
        model = trace_module(module, shapes, dtype, data_format, batch)
    except ConversionError as error:
        if input_shape is not None:
            raise
        try:  # the channels were guessed
            model = trace_module(module, without_channels(shapes, data_format), dtype, data_format)
        except ConversionError as again:
            raise (again if isinstance(error, UnfollowedError) else error) from None
    return model if input_shape is not None else chain_or_model(model)


def _by_attributes(module: Any, input_shape: Sequence[Any] | None, data_format: str) -> keras.layers.Layer:
    """The layers of objects that only look like PyTorch's modules."""
    rank = len(input_shape) - 1 if input_shape is not None else None
    parts = list(_parts(module, None))
    ranks = [_rank(part) for _, part in parts]
    if rank is None:
        rank = next((each for each in ranks if each is not None), None)
    steps: list[Step] = []
    dtype = next((as_array(part.weight).dtype.name for _, part in parts if _has_weight(part)), None)
    for name, part in parts:
        rule = RULES.get(type(part).__name__)
        if rule is None:
            raise ConversionError(
                f"{_called(part, name)} has no converter. Converted are: Sequential, MaxUnpool2d (on its "
                f"own), {', '.join(RULES)}."
            )
        try:
            steps += rule(Place(data_format, rank, dtype=dtype, name=name), part)
        except ConversionError as error:
            raise ConversionError(f"{_called(part, name)}: {error}") from error
    if input_shape is None and all(isinstance(step, keras.layers.Layer) for step in steps):
        return one_layer(steps)
    shape = (None,) * ((rank or 2) + 1) if input_shape is None else tuple(input_shape)
    tensor = image = keras.Input(shape, dtype=dtype)
    for step in steps:
        tensor = step(tensor)
    return keras.Model(image, tensor)


def _parts(module: Any, name: str | None) -> Iterator[tuple[str | None, Any]]:
    """The modules of nested Sequentials, with their names."""
    if hasattr(module, "named_children") and type(module).__name__ == "Sequential":
        for child_name, child in module.named_children():
            yield from _parts(child, child_name if name is None else f"{name}.{child_name}")
    else:
        yield name, module


def _has_weight(module: Any) -> bool:
    return getattr(module, "weight", None) is not None


def _rank(module: Any) -> int | None:
    """The spatial axes of a module's input, None where its class does not tell."""
    name = type(module).__name__
    if name == "Upsample":
        scale = module.scale_factor
        many = len(scale) if isinstance(scale, tuple | list) else None
        return resizing.LINEAR_MODES.get(module.mode, many)
    return int(name[-2]) if name[-2:] in ("1d", "2d", "3d") else 2 if name.startswith("Pixel") else None


def _called(module: Any, name: str | None) -> str:
    return type(module).__name__ if name is None else f"Module {name!r} ({type(module).__name__})"


def _padded(function: Callable[..., list[Step]], place: Place, module: Any, *names: str) -> list[Step]:
    mode = getattr(module, "padding_mode", "zeros")
    if mode != "zeros":
        raise ConversionError(f"padding_mode={mode!r} has no exact layer; only 'zeros' has.")
    return function(place, *(getattr(module, name) for name in names))


def _batch_norm(place: Place, module: Any) -> list[Step]:
    return normalizations.batch_norm(
        replace(place, rank=int(type(module).__name__[-2])),
        module.running_mean,
        module.running_var,
        module.weight,
        module.bias,
        momentum=module.momentum,
        eps=module.eps,
    )


def _max_unpool(module: Any, data_format: str) -> keras.layers.Layer:
    if any(axis_arguments.per_axis("padding", module.padding, 2, minimum=0)):
        raise ConversionError(
            f"MaxUnpool2d has padding={module.padding}; only 0 has an exact layer. Use "
            "tfdeconv.ops.max_unpool with the output's shape."
        )
    return layers.MaxUnpooling2D(
        axis_arguments.per_axis("kernel_size", module.kernel_size, 2),
        axis_arguments.per_axis("stride", module.stride, 2),
        data_format=data_format,
    )


CONV = ("weight", "bias", "stride", "padding", "dilation", "groups")
CONV_TRANSPOSE = ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
UPSAMPLE = ("size", "scale_factor", "mode", "align_corners")


def _attributes(function: Callable[..., list[Step]], *names: str) -> Callable[[Place, Any], list[Step]]:
    """The rule that calls ``function`` with attributes of the module as its parameters of those names."""

    def rule(place: Place, module: Any) -> list[Step]:
        return function(place, **{name: getattr(module, name, None) for name in names})

    return rule


FACTORIES = ("zeros", "ones", "full")
"""Functions that make constants of given sizes."""

RULES: dict[str, Callable[[Place, Any], list[Step]]] = {
    **{
        f"ConvTranspose{rank}d": lambda place, module: _padded(
            convolutions.conv_transpose, place, module, *CONV_TRANSPOSE
        )
        for rank in (1, 2, 3)
    },
    **{
        f"Conv{rank}d": lambda place, module: _padded(convolutions.conv, place, module, *CONV)
        for rank in (1, 2, 3)
    },
    **{f"BatchNorm{rank}d": _batch_norm for rank in (1, 2, 3)},
    "Upsample": _attributes(resizing.interpolate_by, *UPSAMPLE),
    "PixelShuffle": _attributes(resizing.pixel_shuffle, "upscale_factor"),
    "PReLU": _attributes(activations.prelu, "weight"),
    "LeakyReLU": _attributes(activations.leaky_relu, "negative_slope"),
    "ReLU": lambda place, module: activations.relu(place),
    "ReLU6": lambda place, module: activations.relu6(place),
    "Sigmoid": lambda place, module: activations.STEPS["sigmoid"](place),
    "Tanh": lambda place, module: activations.STEPS["tanh"](place),
    "SiLU": lambda place, module: activations.STEPS["silu"](place),
    **{name: lambda place, module: [] for name in ("Identity", "Dropout", "Dropout2d")},
}
"""Class name in ``torch.nn`` -> converter by attributes."""
