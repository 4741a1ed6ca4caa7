"""Shapes and type of the tensors that a PyTorch module takes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from tfdeconv.convert.graph.values import image_order
from tfdeconv.errors import ConversionError

Shape = tuple[int | None, ...]

MODES = {"linear": 1, "bilinear": 2, "trilinear": 3}


def input_shapes(module: Any, given: Sequence[Any] | None, data_format: str) -> list[Shape]:
    """Return the shape of every input without the batch, in the layout of the result.

    Raises:
        ConversionError: The module takes several inputs and no shapes are given, or another number.
    """
    count = _input_count(module)
    if given is not None:
        several = all(isinstance(shape, list | tuple) for shape in given) and len(given) > 0
        shapes = [tuple(shape) for shape in given] if several else [tuple(given)]
        if len(shapes) < count[0] or len(shapes) > count[1]:
            raise ConversionError(
                f"input_shape must hold a shape for each of {count[0]} inputs of "
                f"{type(module).__name__}; received {given}."
            )
        return shapes
    if count[0] != 1:
        raise ConversionError(
            f"{type(module).__name__} takes {count[0]} inputs; give input_shape= with the shape of each."
        )
    rank, channels = told_by(module)
    if rank == 0:
        return [(channels,)]
    shape = (None, channels, *(None,) * rank)
    return [tuple(shape[axis] for axis in image_order(rank + 2, data_format))[1:]]


def input_type(module: Any) -> str | None:
    """Return the type of the samples: that of the first weight; None where there is none.

    NumPy has no bfloat16; every value of it fits a float32.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            name = str(tensor.dtype).removeprefix("torch.")
            return "float32" if name == "bfloat16" else name
    return None


def _input_count(module: Any) -> tuple[int, int]:
    """How many tensors a forward must and may take."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = sum(p.default is p.empty for p in positional)
    anything = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return (max(required, 1), 99 if anything else len(positional))


def told_by(module: Any) -> tuple[int, int | None]:
    """Return the number of spatial axes and the channels that the module's first layers tell.

    Images of any number of channels where nothing tells.
    """
    rank: int | None = None
    channels: int | None = None
    shuffled = False
    for inner in module.modules():
        told, own = _tells(inner)
        rank = told if rank is None else rank
        # what is shuffled has more channels than the layers behind tell
        shuffled = shuffled or (channels is None and getattr(inner, "upscale_factor", None) is not None)
        channels = own if channels is None and not shuffled else channels
        if rank is not None and (shuffled or channels is not None):
            break
    return (2 if rank is None else rank), channels


def _tells(module: Any) -> tuple[int | None, int | None]:
    """The spatial axes and channels of one module's input, None where it does not tell."""
    name = torch_class(module)
    if name == "Linear":
        return 0, module.in_features
    if name == "Upsample":
        sizes = [each for each in (module.scale_factor, module.size) if isinstance(each, tuple)]
        return MODES.get(module.mode, len(sizes[0]) if sizes else None), None
    if name.startswith(("Upsampling", "Pixel")):
        return 2, None
    if name == "GroupNorm":
        return None, module.num_channels
    if name[-2:] in ("1d", "2d", "3d") and name != "Dropout1d":
        channels = getattr(module, "in_channels", None) or getattr(module, "num_features", None)
        return int(name[-2]), channels
    for parameter in module.parameters(recurse=False):
        if parameter.ndim in (3, 4, 5):
            return parameter.ndim - 2, parameter.shape[1]
    return None, None


def torch_class(module: Any) -> str:
    """Return the name of the class of ``torch.nn`` that the module is of; "" for one of its own."""
    own = [cls.__name__ for cls in type(module).__mro__ if cls.__module__.startswith("torch.nn.modules.")]
    return own[0] if own and own[0] != "Module" else ""


def without_channels(shapes: Sequence[Shape], data_format: str) -> list[Shape]:
    """Return the shapes with any number of channels.

    Example:
        >>> without_channels([(None, None, 3)], "channels_last")
        [(None, None, None)]
    """
    return [
        (None, *shape[1:]) if data_format == "channels_first" else (*shape[:-1], None) for shape in shapes
    ]


def exported_batch(program: Any) -> int | None:
    """Return the number of examples that a ``torch.export.ExportedProgram`` was made for, None where free."""
    inputs = set(program.graph_signature.user_inputs)
    shapes = [
        node.meta["val"].shape
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in inputs
    ]
    sizes = {shape[0] if len(shape) and isinstance(shape[0], int) else None for shape in shapes}
    return sizes.pop() if len(sizes) == 1 else None


def exported_shapes(program: Any, data_format: str) -> list[Shape]:
    """Return the input shapes of a ``torch.export.ExportedProgram``, None where they are symbolic."""
    shapes = []
    inputs = set(program.graph_signature.user_inputs)
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in inputs:
            shape = [size if isinstance(size, int) else None for size in node.meta["val"].shape]
            order = image_order(len(shape), data_format)
            shapes.append(tuple(shape[axis] for axis in order)[1:])
    return shapes
