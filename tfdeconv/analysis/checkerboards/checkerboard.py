"""Find checkerboards: in a layer, in every layer of a model, and in what a model returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.analysis.checkerboards.checkerboard_report import (
    Cause,
    Check,
    CheckerboardReport,
    LayerCheckerboard,
)
from tfdeconv.analysis.checkerboards.diagnosis import diagnose, measure
from tfdeconv.analysis.models import graph_probe, saved_graph
from tfdeconv.analysis.models.equivalent_kernel import equivalent_kernel, shuffles_channels
from tfdeconv.analysis.models.upsampling_layers import (
    DEFAULT_SIZE,
    UpsamplingLayer,
    check_shape,
    find_upsampling_layers,
    input_shapes,
    is_channels_first,
)
from tfdeconv.errors import InvalidArgumentError


def checkerboard(
    model: keras.layers.Layer | str | Path, input_shape: Sequence[int | None] | None = None
) -> CheckerboardReport:
    """Score the checkerboards of a layer, a model, or a model on disk.

    Args:
        model: A Keras layer or model; or the path of a ``.keras`` file or a SavedModel folder.
        input_shape: Shape of the input without the batch; None: the model's own, 32 for each size
            that it leaves open. A layer that was never called needs it.

    Returns:
        The report: scores, causes, measured energies and remedies, layer by layer.

    Raises:
        InvalidArgumentError: The input shape is not known, or the path holds no model.

    Example:
        >>> layer = keras.layers.Conv2DTranspose(1, 3, strides=2, kernel_initializer="ones")
        >>> (found,) = checkerboard(layer, (8, 8, 1))
        >>> found.cause, round(found.score, 2), found.fixes[0].name, found.fixes[0].after.score < 1e-6
        ('uneven overlap', 0.44, 'resize-convolution', True)

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and checkerboard artifacts", Distill.
    """
    if isinstance(model, str | Path):
        return _check_file(Path(model), input_shape)
    found = find_upsampling_layers(model, input_shape)
    layers = tuple(map(check_layer, found))
    (shape, *others) = input_shapes(model, input_shape)
    if others or is_channels_first(model):
        return CheckerboardReport(layers, None)
    return CheckerboardReport(layers, _check_output(lambda x: np.asarray(model(x)), shape, layers))


def check_layer(found: UpsamplingLayer) -> LayerCheckerboard:
    """Check one upsampling layer.

    Example:
        >>> (found,) = find_upsampling_layers(keras.layers.UpSampling2D(2), (4, 4, 1))
        >>> check_layer(found).cause
        'none'
    """
    layer, strides = found.layer, found.factor
    kind = type(layer).__name__
    equivalent = equivalent_kernel(found)
    if equivalent is None:
        cause: Cause = "separate channels" if shuffles_channels(found) else "not linear"
        return LayerCheckerboard(found.path, kind, strides, (), None, cause, ())

    def finish(y: tf.Tensor) -> tf.Tensor:
        return layer.activation(y if layer.bias is None else y + layer.bias)

    return diagnose(
        found.path,
        kind,
        equivalent.kernel,
        strides,
        equivalent.dilation_rate,
        groups=equivalent.groups,
        finish=finish if equivalent.own else tf.identity,
        own=equivalent.own,
    )


def _check_file(path: Path, input_shape: Sequence[int | None] | None) -> CheckerboardReport:
    if path.suffix in (".keras", ".h5") and path.is_file():
        return checkerboard(keras.saving.load_model(path, compile=False), input_shape)
    loaded = saved_graph.load(path)
    frozen = saved_graph.frozen_signature(loaded)
    shapes = [_concrete(spec, input_shape) for spec in frozen.inputs]
    found = list(saved_graph.transposed_convolutions(frozen))
    if all(spec.dtype.is_floating for spec in frozen.inputs):
        found += graph_probe.upsampling_scopes(frozen, shapes)
    layers = tuple(map(_check_step, sorted(found, key=lambda step: step.position)))
    if len(shapes) > 1 or not frozen.inputs[0].dtype.is_floating:
        return CheckerboardReport(layers, None)

    def run(x: np.ndarray) -> np.ndarray:
        return np.asarray(frozen(tf.constant(x, frozen.inputs[0].dtype))[0])

    return CheckerboardReport(layers, _check_output(run, shapes[0], layers))


def _concrete(spec: tf.Tensor, input_shape: Sequence[int | None] | None) -> tuple[int, ...]:
    """The shape of a signature's input for one example; sizes that it leaves open are filled in."""
    if spec.shape.rank is None:
        raise InvalidArgumentError(
            f"the signature's input {spec.name!r} must have a known rank; received none. Export the model "
            "with an input signature that has one."
        )
    given = tuple(spec.shape[1:])
    if input_shape is not None and given:
        check_shape(input_shape, given)
        given = tuple(input_shape)
    return (1, *(DEFAULT_SIZE if size is None else int(size) for size in given))[: spec.shape.rank]


def _check_step(found: saved_graph.GraphUpsampling) -> LayerCheckerboard:
    if found.kernel is None:
        cause: Cause = "not linear" if found.own else "separate channels"
        return LayerCheckerboard(found.name, found.kind, found.factor, (), None, cause, ())
    undilated = (1,) * len(found.factor)
    return diagnose(
        found.name, found.kind, found.kernel, found.factor, undilated, groups=found.groups, own=found.own
    )


def _check_output(
    run: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], layers: Sequence[LayerCheckerboard]
) -> Check | None:
    """Measure a whole model with one channels-last image input of ``shape``, batch first."""
    if len(shape) < 3 or not layers:
        return None
    y = run(np.ones(shape, np.float32))
    if y.ndim != len(shape):
        return None
    factors = [after / before for after, before in zip(y.shape[1:-1], shape[1:-1], strict=True)]
    if any(factor != int(factor) for factor in factors):
        return None
    periods = tuple(
        int(factor) if factor > 1 else math.prod(layer.strides[axis] for layer in layers)
        for axis, factor in enumerate(factors)
    )
    periods = tuple(max(period, 1) for period in periods)
    if max(periods) == 1 or any(n < 4 * period for n, period in zip(y.shape[1:-1], periods, strict=True)):
        return None
    score = max(layer.score for layer in layers)
    return measure(run, shape[1:-1], shape[-1], periods, crop=0.25, score=score)
