"""Max pooling with switches and the unpooling that uses them, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import geometry, ops
from tfdeconv.errors import AlignmentError
from tfdeconv.geometry import CoordinateMap, Reads, Window, axis_arguments, same_padding_before
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.requested_output import requested_sizes, symbolic_sizes
from tfdeconv.layers.tensor_pair import tensor_pair
from tfdeconv.ops.max_pool_with_switches import PooledWithSwitches
from tfdeconv.ops.max_unpool import Duplicates, check_duplicates, check_switches
from tfdeconv.ops.tensors.data_format import standardize_data_format
from tfdeconv.ops.tensors.samples import check_samples


class _Windows2D(keras.layers.Layer):
    """The pooling windows that both layers describe."""

    chooses_by_value = True  # for tfdeconv.keras_reading

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: geometry.ForwardPadding = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # switches are integers, values are only moved
        self.pool_size = axis_arguments.per_axis("pool_size", pool_size, 2)
        self.strides = self.pool_size if strides is None else axis_arguments.per_axis("strides", strides, 2)
        self.padding = geometry.forward_padding(padding)
        self.data_format = standardize_data_format(data_format)

    def _pooling_maps(self, pooled_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Where pooling inputs of those sizes moves the samples of each spatial axis."""
        maps = []
        for axis, (size, pool, stride) in enumerate(
            zip(pooled_sizes, self.pool_size, self.strides, strict=True)
        ):
            before = same_padding_before(size, pool, stride) if self.padding == "same" else 0
            if before is None:
                raise AlignmentError(
                    "has padding='same', whose padding depends on the size of what is pooled, unknown on "
                    f"spatial axis {axis}. Give keras.Input a fixed size there"
                )
            maps.append(CoordinateMap.convolution(pool, stride, before=before))
        return tuple(maps)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class MaxPooling2DWithSwitches(_Windows2D):
    """Max pooling of images that also returns where every maximum was.

    Args:
        pool_size: Samples of the pooling window; an int or one for each axis.
        strides: Samples between windows; None: ``pool_size``. Smaller ones overlap.
        padding: "valid" drops incomplete windows; "same" keeps them.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 5.0, 2.0, 3.0], "float32").reshape(1, 2, 2, 1)
        >>> pooled, switches = MaxPooling2DWithSwitches(2)(x)
        >>> pooled.numpy().item(), switches.numpy().item()
        (5.0, 1)

    References:
        Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 2.1.
    """

    def call(self, inputs: Any) -> PooledWithSwitches:
        """Return ``(pooled, switches)``, as ``tfdeconv.ops.max_pool_with_switches`` does."""
        return ops.max_pool_with_switches(
            inputs,
            self.pool_size,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )

    def compute_output_spec(self, inputs: keras.KerasTensor) -> PooledWithSwitches:
        """Return the symbolic outputs."""
        check_samples(inputs, rank=2)
        pooled, switches = self.compute_output_shape(inputs.shape)
        return PooledWithSwitches(
            keras.KerasTensor(pooled, dtype=inputs.dtype), keras.KerasTensor(switches, dtype="int64")
        )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> PooledWithSwitches:
        """Return the shapes of both outputs for an input shape; None stays None."""
        first = 2 if self.data_format == "channels_first" else 1
        shape = list(input_shape)
        for axis in range(2):
            size = shape[first + axis]
            if size is not None:
                shape[first + axis] = geometry.forward_size(
                    size, self.pool_size[axis], self.strides[axis], self.padding
                )
        return PooledWithSwitches(tuple(shape), tuple(shape))

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        axes = zip(sizes, self.pool_size, self.strides, strict=True)
        return [[tuple(Reads.convolution(*numbers, padding=self.padding) for numbers in axes)]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return self._pooling_maps(input_sizes)


@keras.saving.register_keras_serializable(package=PACKAGE)
class MaxUnpooling2D(_Windows2D):
    """Put pooled values back where their maxima were; zeros elsewhere (Zeiler's unpooling).

    Call it with ``[x, switches]``. The size of the tensor that was pooled cannot be told from the pooled
    one where the windows did not divide it: give it with ``like=`` or ``output_shape=``. The switches
    count along the rows of that tensor.

    Args:
        pool_size: The pooling's; gives the output size where the call names none:
            ``(size - 1) * strides + pool_size`` for "valid", ``size * strides`` for "same".
        strides: The pooling's; None: ``pool_size``.
        padding: The pooling's.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        duplicates: Where overlapping windows found one maximum, "last" keeps the value of the last
            window, "sum" adds the values.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 5.0, 2.0, 3.0], "float32").reshape(1, 2, 2, 1)
        >>> pooled_and_switches = MaxPooling2DWithSwitches(2)(x)
        >>> MaxUnpooling2D(2)(pooled_and_switches, like=x).numpy().squeeze()
        array([[0., 5.],
               [0., 0.]], dtype=float32)

    References:
        Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 2.1.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: geometry.ForwardPadding = "valid",
        data_format: str | None = None,
        duplicates: Duplicates = "last",
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)
        check_duplicates(duplicates)
        self.duplicates = duplicates

    def call(self, inputs: Any, output_shape: Any = None, like: Any = None) -> tf.Tensor:
        """Unpool ``inputs``.

        Args:
            inputs: ``[x, switches]``.
            output_shape: Height and width to return, ints or an integer tensor. Excludes ``like``.
            like: The tensor that was pooled, or another of its size.
        """
        x, switches = tensor_pair(inputs, "[x, switches]")
        sizes = requested_sizes(output_shape, like, rank=2, data_format=self.data_format)
        if sizes is None:
            first = 2 if self.data_format == "channels_first" else 1
            dynamic = tf.shape(x)
            sizes = [
                self._pooled_from(dynamic[axis] if x.shape[axis] is None else x.shape[axis], axis - first)
                for axis in (first, first + 1)
            ]
        return ops.max_unpool(
            x, switches, output_shape=sizes, duplicates=self.duplicates, data_format=self.data_format
        )

    def _pooled_from(self, size: Any, axis: int) -> Any:
        """The size that was pooled to ``size``, if its windows were complete."""
        if self.padding == "same":
            return size * self.strides[axis]
        full = geometry.full_size(size, self.pool_size[axis], self.strides[axis])
        return max(full, 0) if isinstance(full, int) else tf.maximum(full, 0)

    def compute_output_spec(
        self, inputs: Sequence[keras.KerasTensor], output_shape: Any = None, like: Any = None
    ) -> keras.KerasTensor:
        """Return the symbolic output; sizes that depend on unknown ones are None."""
        x, switches = tensor_pair(inputs, "[x, switches]")
        check_samples(x, rank=2)
        check_switches(x, switches)
        sizes = symbolic_sizes(output_shape, like, rank=2, data_format=self.data_format)
        return keras.KerasTensor(self._unpooled(x.shape, sizes), dtype=x.dtype)

    def compute_output_shape(self, input_shape: Sequence[Sequence[int | None]]) -> tuple[int | None, ...]:
        """Return the output's shape for the shapes of ``[x, switches]``; None stays None."""
        return self._unpooled(input_shape[0], None)

    def _unpooled(
        self, shape: Sequence[int | None], sizes: Sequence[int | None] | None
    ) -> tuple[int | None, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        if sizes is None:
            sizes = [
                None if size is None else self._pooled_from(size, axis)
                for axis, size in enumerate(shape[first : first + 2])
            ]
        return (*shape[:first], *sizes, *shape[first + 2 :])

    def reads(
        self, sizes: Sizes, switches: Sizes, output_shape: Any = None, like: Any = None
    ) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        wanted = like if output_shape is None else axis_arguments.per_axis("output_shape", output_shape, 2)
        axes = []
        for axis, size in enumerate(sizes):
            pool, stride = self.pool_size[axis], self.strides[axis]
            pooled = self._pooled_from(size, axis) if wanted is None else wanted[axis]
            before = same_padding_before(pooled, pool, stride) if self.padding == "same" else 0
            axes.append(Reads.transposed_convolution(pool, stride, Window(before or 0, pooled)))
        return [[tuple(axes)], [tuple(axes)]]

    def coordinate_map(
        self, input_sizes: Sequence[int | None], output_shape: Any = None, like: Any = None
    ) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        sizes = symbolic_sizes(output_shape, like, rank=2, data_format=self.data_format)
        if sizes is None:
            sizes = [
                None if size is None else self._pooled_from(size, axis)
                for axis, size in enumerate(input_sizes)
            ]
        return tuple(pooling.inverse() for pooling in self._pooling_maps(sizes))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "duplicates": self.duplicates}
