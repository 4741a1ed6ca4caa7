"""Interpolation to sizes that follow from others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.convert.by_size.formulas import Formula, Sizes, evaluate
from tfdeconv.convert.by_size.layer import LayerBySize
from tfdeconv.convert.operators import resampling
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_registration import PACKAGE

MODES = ("nearest", "nearest-exact", "linear", "cubic", "area")
COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")


@keras.saving.register_keras_serializable(package=PACKAGE)
class ResizeBySize(LayerBySize):
    """Interpolate axes of a tensor, each to a formula of sizes, as ``torch.nn.functional.interpolate`` does.

    Args:
        sizes: The size of every axis of ``x``, a number or a formula (``by_size.formulas``); None: by its
            factor, or, without one, as it is.
        mode: "nearest", "nearest-exact", "linear" (bilinear and trilinear, too), "cubic" or "area".
        factors: How many outputs stand on an input, for every axis; None: the quotient of the sizes.
        coordinates: Where outputs lie, by ONNX's names: "half_pixel", "pytorch_half_pixel", "asymmetric" or
            "align_corners"; not read by the other modes than "linear" and "cubic".
        antialias: Whether the kernels of "linear" and "cubic" are as wide as outputs are apart.
        recompute_scale_factor: Whether outputs stand where the quotient of the sizes says, not the factor.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: The mode or the coordinates are not known.

    Example:
        >>> size = {"constant": "0", "terms": [["1", ["size", 1, 1]]]}
        >>> x = tf.constant([[0.0, 1.0]])
        >>> ResizeBySize([None, size], "linear", coordinates="align_corners")([x, tf.zeros([1, 3])]).numpy()
        array([[0. , 0.5, 1. ]], dtype=float32)

    References:
        ``aten/src/ATen/native/UpSample.h``: ``area_pixel_compute_scale`` and ``..._source_index``.
    """

    def __init__(
        self,
        sizes: Sequence[Formula | None],
        mode: str = "nearest",
        factors: Sequence[float | None] | None = None,
        coordinates: str = "half_pixel",
        antialias: bool = False,
        recompute_scale_factor: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise InvalidArgumentError(f"mode must be one of {', '.join(MODES)}; received {mode!r}.")
        if coordinates not in COORDINATES:
            raise InvalidArgumentError(
                f"coordinates must be one of {', '.join(COORDINATES)}; received {coordinates!r}."
            )
        self.sizes, self.mode = list(sizes), mode
        self.factors = [None] * len(self.sizes) if factors is None else list(factors)
        self.coordinates, self.antialias = coordinates, antialias
        self.recompute_scale_factor = recompute_scale_factor

    def compute(self, x: tf.Tensor, sizes: Sizes) -> tf.Tensor:
        """Return ``x`` in other sizes."""
        for axis, (formula, factor) in enumerate(zip(self.sizes, self.factors, strict=True)):
            if formula is None and factor is None:
                continue
            known = sizes(0, axis)
            size = _times(known, factor) if formula is None else evaluate(formula, sizes)
            kept = None if self.recompute_scale_factor else factor
            if self.mode in resampling.NEAREST:
                x = tf.gather(x, resampling.nearest(size, known, self.mode, factor=kept), axis=axis)
                continue
            matrix = resampling.matrix(
                size,
                known,
                self.mode,
                factor=kept,
                coordinates=self.coordinates,
                antialias=self.antialias,
                dtype=x.dtype,
            )
            x = resampling.along(x, axis, matrix)
        return x

    def sizes_of_output(self, shape: tuple[int | None, ...], sizes: Sizes) -> list[int | None]:
        """Return the sizes that are asked for."""
        return [
            size
            if (formula, factor) == (None, None)
            else _times(size, factor)
            if formula is None
            else evaluate(formula, sizes)
            for size, formula, factor in zip(shape, self.sizes, self.factors, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "sizes": self.sizes,
            "mode": self.mode,
            "factors": self.factors,
            "coordinates": self.coordinates,
            "antialias": self.antialias,
            "recompute_scale_factor": self.recompute_scale_factor,
        }


def _times(size: Any, factor: float | None) -> Any:
    """A size times a factor, rounded down in double precision as PyTorch does; None stays None."""
    if size is None or factor is None:
        return size
    if isinstance(size, int):
        return math.floor(size * factor)
    return tf.cast(tf.floor(tf.cast(size, tf.float64) * factor), tf.int32)
