"""Which lowering computes a layer."""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.analysis.arithmetic.configuration import Configuration
from tfdeconv.analysis.models.equivalent_kernel import EquivalentKernel
from tfdeconv.analysis.models.upsampling_layers import UpsamplingLayer
from tfdeconv.ops.lowerings.auto import choose
from tfdeconv.ops.lowerings.lowering import Problem
from tfdeconv.ops.output_window import OutputWindow


def lowering_of(
    found: UpsamplingLayer, equivalent: EquivalentKernel | None, config: Configuration | None
) -> str | None:
    """Return the lowering of a layer, for "auto" with what it chooses for this shape; None: no choice.

    Example:
        >>> import keras
        >>> from tfdeconv.analysis.models.upsampling_layers import find_upsampling_layers
        >>> lowering_of(*find_upsampling_layers(keras.layers.UpSampling1D(2), (4, 1)), None, None)
    """
    name: str | None = getattr(found.layer, "lowering", None)
    if name != "auto" or equivalent is None or config is None:
        return name
    window = OutputWindow(config.crops, config.output_size)
    outputs, channels = equivalent.kernel.shape[-2:]
    problem = Problem(config.geometry, channels, outputs * equivalent.groups, equivalent.groups, window)
    shape: tuple[int, ...] = (found.input_shape[0], *found.input_size, channels)
    if config.rank == 1:
        problem, shape = problem.with_leading_axis(), (shape[0], 1, *shape[1:])
    with tf.Graph().as_default():  # the rule looks at shape, type and device only
        return f"auto: {choose(tf.compat.v1.placeholder(found.layer.compute_dtype, shape), problem)}"
