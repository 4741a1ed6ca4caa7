"""Linear interpolation by integer factors: the transposed convolution with the fixed linear kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.data_format import is_channels_first, to_channels_first, to_channels_last

Boundary = Literal["zero", "edge"]


def linear_upsample(
    x: Any,
    factor: int | Sequence[int],
    *,
    boundary: Boundary = "zero",
    data_format: str | None = None,
) -> tf.Tensor:
    """Upsample every channel by linear interpolation (bilinear in 2-D, trilinear in 3-D).

    Equals a "same" transposed convolution of stride ``factor`` with the kernel of
    ``initializers.Bilinear``, channel by channel, but costs two taps along each axis.

    Args:
        x: Floating-point tensor ``[batch, *sizes, channels]`` with 1, 2 or 3 spatial axes.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        boundary: What lies outside the input. "zero": nothing, so that samples within
            ``factor // 2`` of the border fade, as in FCN's deconvolution. "edge": the border repeats,
            as in ``tf.image.resize(..., "bilinear")`` with half-pixel centres.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, *(size * factor), channels]``.

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> x = tf.reshape([0.0, 4.0], [1, 2, 1])
        >>> linear_upsample(x, 2, boundary="edge").numpy().ravel()
        array([0., 1., 3., 4.], dtype=float32)
        >>> linear_upsample(x, 2, boundary="zero").numpy().ravel()
        array([0., 1., 3., 3.], dtype=float32)

    References:
        Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation",
        section 3.3.
    """
    x = tf.convert_to_tensor(x)
    if x.shape.rank not in (3, 4, 5) or not x.dtype.is_floating:
        raise InvalidArgumentError(
            "x must be a floating-point tensor with batch, 1 to 3 spatial axes and channels; received "
            f"{x.dtype.name} of shape {x.shape}."
        )
    factors = geometry.per_axis("factor", factor, x.shape.rank - 2)
    if boundary not in ("zero", "edge"):
        raise InvalidArgumentError(f"boundary must be 'zero' or 'edge'; received {boundary!r}.")
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    for axis, axis_factor in enumerate(factors, start=1):
        if axis_factor > 1:
            x = _upsample_axis(x, axis, axis_factor, boundary)
    return to_channels_first(x) if channels_first else x


def _upsample_axis(x: tf.Tensor, axis: int, factor: int, boundary: Boundary) -> tf.Tensor:
    """Interpolate along one axis: every output phase is a sum of two neighbouring inputs."""
    taps = geometry.linear_kernel(geometry.linear_kernel_size(factor))
    lead, _ = geometry.crops(len(taps), factor, padding="same")
    sizes = tf.shape(x)
    border = tf.concat([sizes[:axis], [1], sizes[axis + 1 :]], axis=0)
    first, last = (
        (tf.gather(x, [0], axis=axis), tf.gather(x, [sizes[axis] - 1], axis=axis))
        if boundary == "edge"
        else (tf.zeros(border, x.dtype),) * 2
    )
    padded = tf.concat([first, x, last], axis=axis)
    before = (slice(None),) * axis
    neighbours = {-1: padded[(*before, slice(None, -2))], 0: x, 1: padded[(*before, slice(2, None))]}
    phases = []
    for phase in range(factor):
        shift, tap = divmod(phase + lead, factor)
        used = [
            (neighbours[shift - step], taps[tap + step * factor])
            for step in (0, 1)
            if tap + step * factor < len(taps)
        ]
        phases.append(tf.add_n([source * tf.constant(weight, x.dtype) for source, weight in used]))
    y = tf.stack(phases, axis=axis + 1)
    static = [
        *x.shape[:axis],
        None if x.shape[axis] is None else x.shape[axis] * factor,
        *x.shape[axis + 1 :],
    ]
    y = tf.reshape(y, tf.concat([sizes[:axis], [sizes[axis] * factor], sizes[axis + 1 :]], axis=0))
    return tf.ensure_shape(y, static)
