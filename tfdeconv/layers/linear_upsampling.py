"""Linear interpolation layers, fixed or learned from that start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from tfdeconv import geometry, ops
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import CoordinateMap, axis_arguments
from tfdeconv.initializers import Bilinear
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.enlarged_shape import enlarged_shape
from tfdeconv.ops.linear_upsample import Boundary, check_boundary
from tfdeconv.ops.tensors.data_format import standardize_data_format, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.empty_axes import on_samples
from tfdeconv.ops.tensors.shapes import spatial_sizes


class _LinearUpsampling(keras.layers.Layer):
    """Linear interpolation over ``rank`` spatial axes; the classes below only fix the rank."""

    rank: ClassVar[int]

    def __init__(
        self,
        factor: int | Sequence[int],
        trainable: bool = False,
        boundary: Boundary = "zero",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, **kwargs)
        self.factor = axis_arguments.per_axis("factor", factor, self.rank)
        check_boundary(boundary)
        self.boundary = boundary
        self.data_format = standardize_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)
        self._learned = trainable  # a learned kernel stays one when the layer is frozen later

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the weight ``kernel`` ``[*kernel_size, 1, channels]`` of a learned layer."""
        self.kernel = None
        if not self._learned:
            return
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        if channels is None:
            raise InvalidArgumentError(
                f"{type(self).__name__}(trainable=True) needs a known number of channels; received input "
                f"shape {tuple(input_shape)}. Give it in keras.Input(shape=...)."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*map(geometry.linear_kernel_size, self.factor), 1, channels),
            initializer=Bilinear(groups=channels),
        )

    def call(self, inputs: Any) -> tf.Tensor:
        """Upsample ``inputs`` ``[batch, *sizes, channels]`` to ``[batch, *(sizes * factor), channels]``."""
        if self.kernel is None:
            return ops.linear_upsample(
                inputs, self.factor, boundary=self.boundary, data_format=self.data_format
            )
        channels_first = self.data_format == "channels_first"
        x = to_channels_last(inputs) if channels_first else inputs
        sizes = [size * f for size, f in zip(spatial_sizes(x), self.factor, strict=True)]
        y = on_samples(lambda x: self._with_learned_kernel(x, self.kernel), x, sizes)
        return to_channels_first(y) if channels_first else y

    def _with_learned_kernel(self, x: tf.Tensor, kernel: Any) -> tf.Tensor:
        """Upsample channels-last ``x``, which has samples: the edge repeats its border."""
        padding = [geometry.crops(geometry.linear_kernel_size(f), f, padding="same") for f in self.factor]
        if self.boundary == "edge":
            # one repeated sample more at each border is `factor` output samples more to crop
            x = tf.pad(x, [(0, 0), *[(1, 1)] * self.rank, (0, 0)], mode="SYMMETRIC")
            padding = [(b + f, a + f) for (b, a), f in zip(padding, self.factor, strict=True)]
        return ops.conv_transpose(
            x,
            kernel,
            strides=self.factor,
            padding=padding,
            groups=kernel.shape[-1],
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        return enlarged_shape(input_shape, self.factor, self.data_format)

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        taps = map(geometry.linear_kernel_size, self.factor)
        window = geometry.ConvTransposeGeometry.of(tuple(taps), strides=self.factor, padding="same")
        return [[window.reads(sizes)]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(map(CoordinateMap.resize, self.factor))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; ``frozen`` marks a learned kernel that is not trained now."""
        config = {
            **super().get_config(),
            "factor": self.factor,
            "trainable": self._learned,
            "boundary": self.boundary,
            "data_format": self.data_format,
        }
        return config | {"frozen": True} if self._learned and not self.trainable else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> _LinearUpsampling:
        """Make the layer again from :meth:`get_config`."""
        config = dict(config)
        frozen = config.pop("frozen", False)
        layer = cls(**config)
        if frozen:
            layer.trainable = False
        return layer


@keras.saving.register_keras_serializable(package=PACKAGE)
class LinearUpsampling1D(_LinearUpsampling):
    """Linear interpolation of sequences ``[batch, steps, channels]`` by an integer factor.

    Takes the arguments of :class:`BilinearUpsampling2D`, for one spatial axis.

    Example:
        >>> import numpy as np
        >>> LinearUpsampling1D(3)(np.zeros([1, 4, 2])).shape
        TensorShape([1, 12, 2])
    """

    rank = 1


@keras.saving.register_keras_serializable(package=PACKAGE)
class BilinearUpsampling2D(_LinearUpsampling):
    """Bilinear interpolation of images by an integer factor: FCN's deconvolution layer.

    Args:
        factor: Upsampling factor, at least 1; an int or one for each axis.
        trainable: False: the kernel is fixed and the layer has no weights. True: one kernel for each
            channel, starting as the interpolation, is learned.
        boundary: "zero": nothing lies outside the input, so that samples within ``factor // 2`` of
            the border fade (FCN, Caffe). "edge": the border repeats (``tf.image.resize``).
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0, 4.0]], "float32").reshape(1, 1, 2, 1)
        >>> BilinearUpsampling2D((1, 2), boundary="edge")(x).numpy().ravel()
        array([0., 1., 3., 4.], dtype=float32)

    References:
        Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation",
        section 3.3.
    """

    rank = 2


@keras.saving.register_keras_serializable(package=PACKAGE)
class TrilinearUpsampling3D(_LinearUpsampling):
    """Trilinear interpolation of volumes ``[batch, depth, height, width, channels]``.

    Takes the arguments of :class:`BilinearUpsampling2D`, for three spatial axes.

    Example:
        >>> import numpy as np
        >>> TrilinearUpsampling3D(2)(np.zeros([1, 2, 3, 4, 1])).shape
        TensorShape([1, 4, 6, 8, 1])
    """

    rank = 3
