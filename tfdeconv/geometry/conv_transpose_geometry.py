"""A transposed convolution without its weights: one value for all spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from typing import Any, TypeAlias

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis
from tfdeconv.geometry.axis import Window
from tfdeconv.geometry.axis_arguments import AxisPadding, axes_named, per_axis, per_axis_padding
from tfdeconv.geometry.coordinate_map import CoordinateMap
from tfdeconv.geometry.forward_convolution import effective_kernel_size, same_padding_before
from tfdeconv.geometry.onnx_convention import AutoPad, onnx_window
from tfdeconv.geometry.reads import Reads

Size: TypeAlias = Any
"""A number of samples: an int, None where it is not known, or an integer scalar tensor."""
UNKNOWN: Size = None


@dataclass(frozen=True)
class ConvTransposeGeometry:
    """The numbers that decide sizes and places of a transposed convolution, one entry for each axis.

    :meth:`of` makes it from arguments as users write them. Every method answers for all axes at once;
    sizes are ints, None where unknown, or integer scalar tensors, and may be mixed.

    Attributes:
        kernel_size: Taps of the kernel.
        strides: Output samples between the stamps of neighbouring inputs.
        padding: "same", "valid", an int cropped from both ends, or (before, after), for each axis.
        output_padding: Extra samples at the end; None for the convention's own size.
        dilation_rate: Output samples between neighbouring taps.
        crops: Samples removed from the (start, end) of the full output where no output size is asked
            for; a negative end extends the output with zeros.

    Raises:
        InvalidArgumentError: A number is out of its range, or the combination has no legal size.

    Example:
        >>> doubling = ConvTransposeGeometry.of((3, 4), strides=2, padding="same")
        >>> doubling.crops
        ((0, 1), (1, 1))
        >>> doubling.output_sizes((7, None))
        (14, None)
    """

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[AxisPadding, ...]
    output_padding: tuple[int, ...] | None
    dilation_rate: tuple[int, ...]
    crops: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        extras = self.output_padding or (None,) * len(self.kernel_size)
        axes = zip(self.kernel_size, self.strides, self.padding, extras, self.dilation_rate, strict=True)
        crops = tuple(
            axis.crops(kernel, stride, padding=padding, output_padding=extra, dilation_rate=rate)
            for kernel, stride, padding, extra, rate in axes
        )
        object.__setattr__(self, "crops", crops)

    @classmethod
    def of(
        cls,
        kernel_size: int | Sequence[int],
        *,
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = 1,
        rank: int | None = None,
    ) -> ConvTransposeGeometry:
        """Return the geometry that a user's arguments mean.

        Args:
            kernel_size: Taps of the kernel; one for each axis, or an int for all of them.
            strides: Stride; an int or one for each axis.
            padding: "valid" or "same" with Keras's meaning; or samples cropped from the full output: an
                int, one int for each axis, or one (before, after) pair for each axis.
            output_padding: Extra samples at the end; None, an int, or one for each axis.
            dilation_rate: Spacing of the taps; an int or one for each axis.
            rank: Number of spatial axes; None: the length of ``kernel_size``, 1 for an int.

        Raises:
            InvalidArgumentError: An argument breaks a rule.

        Example:
            >>> ConvTransposeGeometry.of(3, strides=2, padding=1, output_padding=1, rank=2).crops
            ((1, 0), (1, 0))
        """
        if rank is None:
            rank = axes_named(kernel_size) or 1
        return cls(
            per_axis("kernel_size", kernel_size, rank),
            per_axis("strides", strides, rank),
            per_axis_padding(padding, rank),
            None if output_padding is None else per_axis("output_padding", output_padding, rank, minimum=0),
            per_axis("dilation_rate", dilation_rate, rank),
        )

    @classmethod
    def of_onnx(
        cls,
        kernel_size: Sequence[int],
        *,
        strides: Sequence[int],
        dilation_rate: Sequence[int],
        pads: Sequence[tuple[int, int]],
        output_padding: Sequence[int],
        auto_pad: AutoPad = "NOTSET",
        input_sizes: Sequence[int] | None = None,
        output_shape: Sequence[int] | None = None,
    ) -> ConvTransposeGeometry:
        """Return the geometry of ONNX's ConvTranspose; every argument holds one entry for each axis.

        Args:
            kernel_size: The attribute ``kernel_shape``.
            strides: The attribute of that name.
            dilation_rate: The attribute ``dilations``.
            pads: The attribute of that name as (begin, end) pairs.
            output_padding: The attribute of that name.
            auto_pad: The attribute of that name.
            input_sizes: Input samples; needed with ``output_shape`` alone, since otherwise what is
                cropped does not depend on them.
            output_shape: The attribute of that name, its spatial sizes alone.

        Raises:
            InvalidArgumentError: An argument breaks a rule, or there is no output sample.

        Example:
            >>> ConvTransposeGeometry.of_onnx(
            ...     (3,), strides=(2,), dilation_rate=(1,), pads=[(1, 1)], output_padding=(1,)
            ... ).crops
            ((1, 0),)
        """
        if input_sizes is None:
            if output_shape is not None:
                raise InvalidArgumentError("input_sizes must be given where output_shape is; received None.")
            # the same is cropped whatever the size: any that leaves samples will do
            input_sizes = [
                kernel * rate + sum(pair)
                for kernel, rate, pair in zip(kernel_size, dilation_rate, pads, strict=True)
            ]
        found = []
        for number, (size, kernel) in enumerate(zip(input_sizes, kernel_size, strict=True)):
            stride, rate = strides[number], dilation_rate[number]
            lead, returned = onnx_window(
                size,
                kernel,
                stride,
                pads=pads[number],
                output_padding=output_padding[number],
                output_size=None if output_shape is None else output_shape[number],
                auto_pad=auto_pad,
                dilation_rate=rate,
            )
            found.append((lead, axis.full_size(size, kernel, stride, rate) - lead - returned))
        return cls(tuple(kernel_size), tuple(strides), tuple(found), None, tuple(dilation_rate))

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel_size)

    @cached_property
    def effective_kernel_size(self) -> tuple[int, ...]:
        """Samples that the dilated kernel spans along each axis."""
        return tuple(map(effective_kernel_size, self.kernel_size, self.dilation_rate))

    def with_crops(self, crops: Iterable[tuple[int, int]]) -> ConvTransposeGeometry:
        """Return the same kernel and strides with another window, given by what it leaves out.

        Example:
            >>> ConvTransposeGeometry.of(3, strides=2, padding="same").with_crops([(0, 0)]).output_sizes([2])
            (5,)
        """
        return ConvTransposeGeometry(self.kernel_size, self.strides, tuple(crops), None, self.dilation_rate)

    def with_output_shape(
        self, input_sizes: Sequence[int], output_shape: Sequence[int]
    ) -> ConvTransposeGeometry:
        """Return the same with the window that ``output_shape`` selects for inputs of these sizes.

        Example:
            >>> ConvTransposeGeometry.of(3, strides=2, padding="same").with_output_shape([7], [13]).crops
            ((1, 1),)
        """
        windows = self.windows(input_sizes, output_shape)
        return self.with_crops(
            (lead, full - lead - size)
            for full, (lead, size) in zip(self.full_sizes(input_sizes), windows, strict=True)
        )

    @cached_property
    def with_leading_axis(self) -> ConvTransposeGeometry:
        """The same with one more spatial axis in front, along which nothing happens to one sample."""
        return ConvTransposeGeometry(
            (1, *self.kernel_size), (1, *self.strides), ((0, 0), *self.crops), None, (1, *self.dilation_rate)
        )

    def full_sizes(self, input_sizes: Sequence[Size]) -> tuple[Size, ...]:
        """Return the sizes of the uncropped output.

        Example:
            >>> ConvTransposeGeometry.of((3, 3), strides=2).full_sizes((2, None))
            (5, None)
        """
        axes = zip(input_sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(None if numbers[0] is None else axis.full_size(*numbers) for numbers in axes)

    def least_input_sizes(self, crops: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Return the fewest input samples, at least 1, of which ``crops`` leave an output sample.

        Example:
            >>> ConvTransposeGeometry.of(3, strides=2, padding=2).least_input_sizes([(2, 2)])
            (2,)
        """
        fulls = self.full_sizes([1] * self.rank)
        return tuple(
            1 + max(-((full - before - after - 1) // stride), 0)
            for full, (before, after), stride in zip(fulls, crops, self.strides, strict=True)
        )

    def output_size_ranges(self, input_sizes: Sequence[int]) -> tuple[range, ...]:
        """Return every output size that may be asked for, as :func:`output_size_range` along each axis.

        Example:
            >>> ConvTransposeGeometry.of((3, 3), strides=2, padding="same").output_size_ranges((7, 5))
            (range(13, 15), range(9, 11))
        """
        axes = zip(input_sizes, self.kernel_size, self.strides, self.padding, self.dilation_rate, strict=True)
        return tuple(axis.output_size_range(*numbers) for numbers in axes)

    def smallest_output_sizes(self, input_sizes: Sequence[Size]) -> tuple[Size, ...]:
        """Return the first of :meth:`output_size_ranges`, also for tensors; it may be below 1.

        Example:
            >>> ConvTransposeGeometry.of(3, strides=2, padding="valid").smallest_output_sizes([7])
            (15,)
        """
        axes = zip(input_sizes, self.kernel_size, self.strides, self.padding, self.dilation_rate, strict=True)
        return tuple(None if numbers[0] is None else axis.smallest_output_size(*numbers) for numbers in axes)

    def windows(
        self,
        input_sizes: Sequence[Size],
        output_shape: Sequence[Size] | None = None,
        *,
        maximum: Callable[[Any, int], Any] = max,
    ) -> tuple[Window, ...]:
        """Return the window of the full output along each axis.

        Args:
            input_sizes: Samples along each axis.
            output_shape: Sizes asked for, each in :meth:`output_size_ranges`; None: the convention's own.
            maximum: ``tf.maximum`` where a size is a tensor.

        Returns:
            The windows. Ints where all that they depend on is known; None for a lead or size that
            depends on an unknown one; tensors otherwise.

        Raises:
            InvalidArgumentError: A size that is an int is out of its range, or both ``output_padding``
                and ``output_shape`` are given. Tensors are not checked.

        Example:
            >>> doubling = ConvTransposeGeometry.of((3, 3), strides=2, padding="same")
            >>> doubling.windows((7, None))
            (Window(lead=0, size=14), Window(lead=0, size=None))
            >>> doubling.windows((7, None), (13, 13))
            (Window(lead=1, size=13), Window(lead=1, size=13))
        """
        if output_shape is None:
            return tuple(map(self._own_window, range(len(self.crops)), input_sizes))
        return tuple(
            self._requested_window(number, size, wanted, maximum)
            for number, (size, wanted) in enumerate(zip(input_sizes, output_shape, strict=True))
        )

    def _own_window(self, number: int, size: Size) -> Window:
        cropped = self.crops[number]
        if size is None:
            return Window(cropped[0], UNKNOWN)
        return axis.cropped_window(
            size,
            self.kernel_size[number],
            self.strides[number],
            cropped,
            self.padding[number],
            self.dilation_rate[number],
        )

    def _requested_window(
        self, number: int, size: Size, wanted: Size, maximum: Callable[[Any, int], Any]
    ) -> Window:
        kernel, stride, rate = self.kernel_size[number], self.strides[number], self.dilation_rate[number]
        padding = self.padding[number]
        axis.check_exclusive(None if self.output_padding is None else self.output_padding[number], wanted)
        if isinstance(size, Integral) and isinstance(wanted, Integral):
            return axis.window(
                int(size), kernel, stride, padding=padding, output_size=int(wanted), dilation_rate=rate
            )
        if padding != "same":
            return Window(self.crops[number][0], wanted)
        if size is None or wanted is None:
            return Window(self._same_lead(number, wanted), wanted)
        full = axis.full_size(size, kernel, stride, rate)
        return Window(axis.same_lead(full, wanted, maximum=maximum), wanted)

    def _same_lead(self, number: int, wanted: Size) -> Size:
        """The lead of "same" for a size asked for: what the convolution that is transposed pads there."""
        if wanted is not None and not isinstance(wanted, Integral):
            return UNKNOWN
        known = None if wanted is None else int(wanted)
        return same_padding_before(
            known, self.kernel_size[number], self.strides[number], self.dilation_rate[number]
        )

    def output_sizes(
        self, input_sizes: Sequence[Size], output_shape: Sequence[Size] | None = None
    ) -> tuple[Size, ...]:
        """Return the sizes of :meth:`windows`; None where one is not known.

        Example:
            >>> ConvTransposeGeometry.of(3, strides=2, padding=1).output_sizes([7])
            (13,)
        """
        return tuple(window.size for window in self.windows(input_sizes, output_shape))

    def reads(
        self, input_sizes: Sequence[int], output_shape: Sequence[int] | None = None
    ) -> tuple[Reads, ...]:
        """Return which inputs the outputs depend on.

        Example:
            >>> ConvTransposeGeometry.of(4, strides=2, padding="same").reads([7])
            (Reads(step=1, per=2, first=-1, last=1, size=14),)
        """
        return tuple(
            Reads.transposed_convolution(kernel, stride, window, dilation_rate=rate)
            for window, kernel, stride, rate in zip(
                self.windows(input_sizes, output_shape),
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                strict=True,
            )
        )

    def coordinate_maps(
        self, input_sizes: Sequence[Size], output_shape: Sequence[Size] | None = None
    ) -> tuple[CoordinateMap | None, ...]:
        """Return where the samples go; None along an axis whose lead depends on an unknown size.

        Example:
            >>> [str(found) for found in ConvTransposeGeometry.of(64, strides=32).coordinate_maps([None])]
            ['32 * x + 63/2']
        """
        windows = self.windows(input_sizes, output_shape)
        return tuple(
            None
            if window.lead is None
            else CoordinateMap.transposed_convolution(kernel, stride, lead=window.lead, dilation_rate=rate)
            for window, kernel, stride, rate in zip(
                windows, self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        )
