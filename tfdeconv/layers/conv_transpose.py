"""Transposed convolution layers: drop-in for Keras's, with every other framework's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from tfdeconv.errors import AlignmentError, InvalidArgumentError
from tfdeconv.geometry import ConvTransposeGeometry, CoordinateMap, axis_arguments
from tfdeconv.keras_reading import Sizes, Stages, TransposedConvolution
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.kernel_and_bias import KernelAndBias
from tfdeconv.layers.requested_output import requested_sizes, symbolic_sizes
from tfdeconv.ops.conv_transpose import check_lowering, conv_transpose_of
from tfdeconv.ops.tensors.samples import check_samples


class _ConvTranspose(KernelAndBias):
    """Transposed convolution over ``rank`` spatial axes; the classes below only fix the rank."""

    rank: ClassVar[int]

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        groups: int = 1,
        lowering: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_format=data_format,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.filters = axis_arguments.at_least(1, "filters", filters)
        self.geometry = ConvTransposeGeometry.of(
            kernel_size,
            strides=strides,
            padding=padding,
            output_padding=output_padding,
            dilation_rate=dilation_rate,
            rank=self.rank,
        )
        self.groups = axis_arguments.at_least(1, "groups", groups)
        check_lowering(lowering)
        self.lowering = lowering
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)
        if self.filters % self.groups:
            raise InvalidArgumentError(
                "filters must be a multiple of groups; received "
                f"filters={self.filters} and groups={self.groups}."
            )

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps of the kernel along each axis."""
        return self.geometry.kernel_size

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each axis."""
        return self.geometry.strides

    @property
    def padding(self) -> Any:
        """The name of a padding of Keras's, or the samples cropped along each axis."""
        paddings = self.geometry.padding
        return paddings[0] if isinstance(paddings[0], str) else paddings

    @property
    def output_padding(self) -> tuple[int, ...] | None:
        """Extra samples at the end of each axis; None for the convention's default."""
        return self.geometry.output_padding

    @property
    def dilation_rate(self) -> tuple[int, ...]:
        """Dilation of each axis."""
        return self.geometry.dilation_rate

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the weights ``kernel`` ``[*kernel_size, filters // groups, channels]`` and ``bias``."""
        channels = self._known_channels(input_shape)
        if channels % self.groups:
            raise InvalidArgumentError(
                f"groups must divide the {channels} input channels; received groups={self.groups}."
            )
        kernel_shape = (*self.kernel_size, self.filters // self.groups, channels)
        self._add_kernel_and_bias(kernel_shape, self.filters, channels=channels)

    def call(self, inputs: Any, output_shape: Any = None, like: Any = None) -> tf.Tensor:
        """Upsample ``inputs``.

        Args:
            inputs: ``[batch, *sizes, channels]`` (or channels first).
            output_shape: Spatial sizes to return: ints or an integer tensor, each within
                ``geometry.output_size_range``. Excludes ``output_padding`` and ``like``.
            like: A tensor whose spatial sizes are returned; for skip connections.
        """
        if output_shape is not None or like is not None:
            output_shape = requested_sizes(output_shape, like, rank=self.rank, data_format=self.data_format)
        outputs = conv_transpose_of(
            inputs,
            self.kernel,
            self.geometry,
            output_shape=output_shape,
            groups=self.groups,
            channels_first=self.data_format == "channels_first",
            lowering=self.lowering,
        )
        return self.activation(self._biased(outputs))

    def compute_output_spec(
        self, inputs: Any, output_shape: Any = None, like: Any = None
    ) -> keras.KerasTensor:
        """Return the symbolic output; sizes that depend on unknown ones are None."""
        check_samples(inputs, rank=self.rank)
        requested = symbolic_sizes(output_shape, like, rank=self.rank, data_format=self.data_format)
        return keras.KerasTensor(self._output_shape(inputs.shape, requested), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        return self._output_shape(input_shape, None)

    def _output_shape(
        self, input_shape: Sequence[int | None], requested: Sequence[int | None] | None
    ) -> tuple[int | None, ...]:
        channels_first = self.data_format == "channels_first"
        sizes = input_shape[2:] if channels_first else input_shape[1:-1]
        spatial = self.geometry.output_sizes(sizes, requested)
        if channels_first:
            return (input_shape[0], self.filters, *spatial)
        return (input_shape[0], *spatial, self.filters)

    def transposed_convolution(self) -> TransposedConvolution:
        """Return what this layer computes, for ``tfdeconv.keras_reading``."""
        return TransposedConvolution(
            self.geometry,
            getattr(self, "kernel", None),
            getattr(self, "bias", None),
            self.groups,
            self.data_format,
            self.activation,
        )

    def reads(self, sizes: Sizes, output_shape: Any = None, like: Any = None) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``.

        Args:
            sizes: Spatial sizes of the input.
            output_shape: As in :meth:`call`.
            like: Spatial sizes of :meth:`call`'s argument of that name.
        """
        requested = (
            like if output_shape is None else axis_arguments.per_axis("output_shape", output_shape, self.rank)
        )
        return [[self.geometry.reads(sizes, requested)]]

    def coordinate_map(
        self, input_sizes: Sequence[int | None], output_shape: Any = None, like: Any = None
    ) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``.

        Args:
            input_sizes: Spatial sizes of the input, None where unknown.
            output_shape: As in :meth:`call`.
            like: As in :meth:`call`.

        Raises:
            AlignmentError: With "same" the window depends on the requested size, and that is unknown.
        """
        requested = symbolic_sizes(output_shape, like, rank=self.rank, data_format=self.data_format)
        maps = []
        for axis, found in enumerate(self.geometry.coordinate_maps(input_sizes, requested)):
            if found is None:
                kernel, stride = self.kernel_size[axis], self.strides[axis]
                before, _ = self.geometry.crops[axis]
                after = self.geometry.effective_kernel_size[axis] - 1 - before
                raise AlignmentError(
                    f"has padding='same', kernel {kernel} and stride {stride}, whose crop depends on the "
                    "size asked for at the call (like= or output_shape=), unknown on spatial axis "
                    f"{axis}. Use padding=({before}, {after}) there, which takes the same sizes and "
                    "always crops alike" + (", or an even kernel" if stride == 2 else "") + "; or give "
                    "keras.Input a fixed size, or CropLike its offset= in samples"
                )
            maps.append(found)
        return tuple(maps)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "lowering": self.lowering,
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution of sequences ``[batch, steps, channels]``.

    Takes the arguments of :class:`Conv2DTranspose`, for one spatial axis.

    Example:
        >>> import numpy as np
        >>> Conv1DTranspose(8, 4, strides=2, padding="same")(np.zeros([1, 10, 3])).shape
        TensorShape([1, 20, 8])
    """

    rank = 1


@keras.saving.register_keras_serializable(package=PACKAGE)
class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of images, the adjoint of ``keras.layers.Conv2D`` with the same arguments.

    Any valid call of ``keras.layers.Conv2DTranspose`` gives that layer's numbers. Beyond it: groups,
    dilation together with strides, paddings in samples (PyTorch, Caffe, ONNX), output sizes chosen
    at the call, and a choice of exact lowerings.

    As with Keras's own transposed convolutions there is no ``enable_lora``, which Keras gives to plain
    convolutions and dense layers alone, and no integer mode: ``quantize`` of a model warns and leaves this
    layer as it is. LoRA's product of two thin matrices would have to be added up before every call, since a
    transposed convolution with a window does not factor into two; integers come with an export for a
    runtime that computes in them.

    An axis without samples gives zeros and the bias in Keras's shape.

    Args:
        filters: Output channels; a multiple of ``groups``.
        kernel_size: Taps of the kernel; an int or one for each axis.
        strides: Upsampling factor; an int or one for each axis.
        padding: "valid" or "same" with Keras's meaning, or samples cropped from the full output: an
            int, one int for each axis, or one ``(before, after)`` pair for each axis.
        output_padding: Extra samples at the end; None for the convention's default.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        dilation_rate: Spacing of the kernel's taps; an int or one for each axis.
        activation: Activation of the output; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of the kernel, for example ``tfdeconv.initializers.Bilinear()``.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the output.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        groups: Groups of channels computed independently; divides channels and filters.
        lowering: "auto" or one of ``tfdeconv.ops.LOWERINGS``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype, trainable).

    Raises:
        InvalidArgumentError: An argument breaks a rule, or the combination has no legal output size
            (for example "same" with an even kernel and ``output_padding=0``).

    Example:
        >>> import numpy as np
        >>> x = np.zeros([1, 7, 7, 3], "float32")
        >>> Conv2DTranspose(8, 3, strides=2, padding="same")(x).shape
        TensorShape([1, 14, 14, 8])
        >>> Conv2DTranspose(8, 3, strides=2, padding=1, output_padding=1)(x).shape  # as PyTorch
        TensorShape([1, 14, 14, 8])
        >>> Conv2DTranspose(8, 3, strides=2, padding="same")(x, output_shape=(13, 14)).shape
        TensorShape([1, 13, 14, 8])

    References:
        Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", section 4;
        Keras ``layers.Conv2DTranspose``; PyTorch ``nn.ConvTranspose2d``.
    """

    rank = 2


@keras.saving.register_keras_serializable(package=PACKAGE)
class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution of volumes ``[batch, depth, height, width, channels]``.

    Takes the arguments of :class:`Conv2DTranspose`, for three spatial axes.

    Example:
        >>> import numpy as np
        >>> Conv3DTranspose(2, 4, strides=2, padding="same")(np.zeros([1, 3, 4, 5, 3])).shape
        TensorShape([1, 6, 8, 10, 2])
    """

    rank = 3

    def __init__(  # Keras swaps two arguments here; what is passed by position keeps its meaning
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        output_padding: int | Sequence[int] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs)
