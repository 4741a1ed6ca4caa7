"""How two tensors of a graph lie on each other, and the crop that lays one on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tfdeconv.alignment.graph import ancestors, is_channels_first, made_by
from tfdeconv.alignment.tracing import Trace, check_symbolic, trace
from tfdeconv.errors import AlignmentError
from tfdeconv.geometry import CoordinateMap
from tfdeconv.keras_reading import Everywhere, Layout, Maps


def crop_offset(from_: Any, to: Any) -> tuple[int, ...]:
    """Return where in ``from_`` the first sample of ``to`` lies, for each spatial axis.

    ``from_[:, o0 : o0 + h, o1 : o1 + w]`` with the offsets and the sizes of ``to`` then shows the same
    part of the input as ``to``. This is exact, not a centre crop: it follows both tensors back to the
    tensors that they have in common and compares the coordinate maps.

    Args:
        from_: The tensor to crop, usually an upsampled one.
        to: The tensor to lie on: a skip connection, or the model's input.

    Returns:
        One offset for each spatial axis.

    Raises:
        AlignmentError: The tensors share no ancestor, their scales differ, the offset is negative or
            fractional, two paths disagree, a layer on the way has no coordinate map, or ``from_`` ends
            before ``to`` does.

    Example:
        >>> import keras
        >>> x = keras.Input([64, 64, 3])
        >>> score = keras.layers.MaxPooling2D(32)(keras.layers.Conv2D(8, 3, padding="same")(x))
        >>> crop_offset(keras.layers.Conv2DTranspose(8, 64, strides=32)(score), x)
        (16, 16)

    References:
        Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation";
        Caffe's ``coord_map.crop``.
    """
    between = map_between(from_, to)
    offsets = tuple(_axis_offset(axis, between[axis], from_, to) for axis in range(len(between)))
    _check_extent(offsets, from_, to)
    return offsets


def map_between(from_: Any, to: Any) -> Maps:
    """Return the maps that take the samples of ``from_`` to where they lie in ``to``.

    Neither tensor needs to be made from the other: both are followed back to the tensors that they
    have in common.

    Args:
        from_: A tensor of a Keras functional graph.
        to: Another tensor of that graph.

    Returns:
        One map for each spatial axis.

    Raises:
        AlignmentError: The tensors share no ancestor, two paths disagree, or a layer on the way has no
            coordinate map.

    Example:
        >>> import keras
        >>> x = keras.Input([64, 64, 3])
        >>> half, quarter = keras.layers.MaxPooling2D(2)(x), keras.layers.AveragePooling2D(4)(x)
        >>> [str(axis) for axis in map_between(quarter, half)]
        ['2 * x + 1/2', '2 * x + 1/2']
    """
    check_symbolic("from_", from_)
    check_symbolic("to", to)
    from_trace, to_trace = trace(from_), trace(to)
    common = [tensor for tensor in from_trace if tensor in to_trace]
    if not common:
        raise AlignmentError(
            f"{made_by(from_)} and {made_by(to)} have no tensor in common that both are made of. Give two "
            "tensors of one graph."
        )
    between: Maps | None = None
    for ancestor in _where_paths_part(common, from_trace, to_trace):
        if any(isinstance(t.position(ancestor), Everywhere) for t in (from_trace, to_trace)):
            continue
        found = tuple(
            to_map.after(from_map.inverse())
            for to_map, from_map in zip(to_trace[ancestor], from_trace[ancestor], strict=True)
        )
        if between is not None and between != found:
            raise AlignmentError(
                f"{made_by(from_)} and {made_by(to)} lie differently on each other depending on the path: "
                f"{_listed(between)} or, by way of {made_by(ancestor)}, {_listed(found)}."
            )
        between = found
    if between is None:
        raise AlignmentError(
            f"{made_by(from_)} and {made_by(to)} are related through global pooling only, which has no "
            "coordinate map."
        )
    return between


def _where_paths_part(common: Iterable[Any], from_trace: Trace, to_trace: Trace) -> list[Any]:
    """The common ancestors that the two tensors use in different ways; those behind them add nothing."""
    shared = set(common)
    used_apart = {
        edge.source for t in (from_trace, to_trace) for edge in t.edges if edge.target not in shared
    }
    return [t for t in common if t in used_apart or t is from_trace.output or t is to_trace.output]


def _axis_offset(axis: int, between: CoordinateMap, from_: Any, to: Any) -> int:
    pair = _pair(from_, to, axis)
    if between.scale != 1:
        raise AlignmentError(
            f"{pair}: one sample of it spans {between.scale} samples there. Upsample to one scale."
        )
    offset = -between.offset
    if offset.denominator != 1:
        raise AlignmentError(
            f"{pair}: the offset {offset} is not a whole number of samples. Change the parity of one kernel "
            "(for example 63 instead of 64), or a padding."
        )
    if offset < 0:
        raise AlignmentError(
            f"{pair}: it would have to start {-offset} samples earlier than it does (offset {offset}). Pad "
            "the first convolution, or crop less of the transposed convolution."
        )
    return int(offset)


def _check_extent(offsets: Sequence[int], from_: Any, to: Any) -> None:
    """Refuse a crop that passes the end of ``from_``, where both sizes are known."""
    channels_first = is_channels_first(ancestors(from_))
    available, wanted = (Layout.of_shape(tensor.shape, channels_first).sizes for tensor in (from_, to))
    for axis, (offset, have, want) in enumerate(zip(offsets, available, wanted, strict=True)):
        if have is not None and want is not None and offset + want > have:
            raise AlignmentError(
                f"{_pair(from_, to, axis)}: offset {offset} and size {want} need {offset + want} samples, "
                f"there are {have}. Pad the first convolution, or crop less of the transposed convolution."
            )


def _pair(from_: Any, to: Any, axis: int) -> str:
    return f"{made_by(from_)} cannot be cropped to {made_by(to)} on spatial axis {axis}"


def _listed(maps: Maps) -> str:
    return "(" + ", ".join(map(str, maps)) + ")"
