"""``td.optimize``: an inference model with the same outputs, as fast as measurement can make it."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import keras
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError, LoweringNotApplicable, TfdeconvError
from tfdeconv.inference.difference import largest_difference
from tfdeconv.inference.fusible_convolution import is_known
from tfdeconv.inference.measure import NOISE, milliseconds
from tfdeconv.inference.optimization_report import AS_IT_IS, Report
from tfdeconv.inference.prepared_conv_transpose import PreparedConvTranspose
from tfdeconv.inference.reduced_precision import Precision, config_in
from tfdeconv.inference.rewrite import Rewriter, as_functional
from tfdeconv.inference.sample_inputs import random_inputs
from tfdeconv.keras_reading import TransposedConvolution
from tfdeconv.layers import ResizeConv2D
from tfdeconv.ops.lowerings import LOWERINGS, Problem
from tfdeconv.ops.lowerings.auto import choose_for_gpu
from tfdeconv.ops.output_window import OutputWindow

Device = Literal["cpu", "gpu"]

TOLERANCES: Mapping[Precision, float] = MappingProxyType({"float32": 1e-4, "bfloat16": 0.25})
"""Largest difference of the outputs, relative to the largest output, that rounding may explain."""
WHOLE_MODEL_SHARE = 0.25
"""Part of the budget for timing the models before and after."""


@dataclass(frozen=True)
class Optimized:
    """What :func:`optimize` returns.

    Attributes:
        model: The inference model.
        report: What was rewritten, with the times.
    """

    model: keras.Model
    report: Report


def optimize(
    model: keras.Model,
    input_shape: Sequence[int] | Sequence[Sequence[int]],
    *,
    batch: int = 1,
    budget_s: float = 10.0,
    device: Device | None = None,
    precision: Precision = "float32",
) -> Optimized:
    """Return a model for inference with the same outputs that runs faster.

    The new model takes every shape that the old one takes. In it

    - each transposed convolution (Keras's and tfdeconv's) uses the lowering that was fastest at
      ``input_shape``, with its kernel stored as that lowering reads it;
    - ``ResizeConv2D`` with nearest resize is one transposed convolution, where that was faster;
    - batch normalization behind a convolution or transposed convolution is part of its kernel and bias;
    - PReLU is a leaky ReLU or a maximum where that is the same function.

    Other layers stay as they are: copies with the same weights, not to be trained. A layer that its
    configuration cannot make again is in both models. In half precision, transposed convolutions and
    batch normalization stay too, since other forms round differently. Outputs keep their names.

    No layer uses XLA, and none needs oneDNN: the model may be exported and served anywhere. The choice is
    in the report, and in each layer's ``lowering`` once the model is saved and loaded.

    With ``precision="bfloat16"`` the model still reads and returns float32, but convolutions and transposed
    convolutions inside compute in bfloat16 (8 significant bits; sums in float32 where TensorFlow's kernels
    do, as oneDNN's), and with them what only chooses, moves or clips their outputs. Sums, normalization,
    softmax and matrix products stay in float32, and so do convolutions of up to 3 channels, such as pictures
    have, and the layer that writes an output. That pays on processors with AVX512-BF16 or AMX; on others the
    model computes the same but slowly. The report has the difference and the time of the float32 form beside
    it, and each such layer is marked.

    Args:
        model: A built Sequential or functional model, possibly with such models inside.
        input_shape: Shape of one input without the batch, fully known; a list of shapes for a model
            of several inputs, in the order of ``model.inputs``.
        batch: Batch size to measure with.
        budget_s: Seconds to spend on measuring, approximately, shared by all layers.
        device: Where the model will run. None: the GPU if one is visible, else the processor. "gpu"
            where no GPU is visible goes by the rule of ``lowering="auto"`` for GPUs.
        precision: "float32", or "bfloat16" for the convolutions inside.

    Returns:
        The model and the report.

    Raises:
        InvalidArgumentError: The model is not a graph of layers, or a shape does not fit it.
        TfdeconvError: The outputs differ by more than rounding explains, or TensorFlow cannot compute in
            bfloat16 here.

    Example:
        >>> image = keras.Input((None, None, 8))
        >>> model = keras.Model(image, keras.layers.Conv2DTranspose(1, 9, 2, "same")(image))
        >>> optimized = optimize(model, (16, 16, 8), budget_s=0.1)
        >>> optimized.model.output_shape
        (None, None, None, 1)
        >>> optimized.model.layers[1].lowering in LOWERINGS
        True
    """
    functional = as_functional(model)
    if functional is None:
        raise InvalidArgumentError(
            "model must be a built Sequential or functional Keras model; received "
            f"{type(model).__name__}. Build a Sequential model by giving it keras.Input(shape=...) first; of "
            "other models, optimize the functional parts."
        )
    if device not in (None, "cpu", "gpu"):
        raise InvalidArgumentError(f"device must be 'cpu', 'gpu' or None; received {device!r}.")
    if not isinstance(budget_s, numbers.Real) or not 0 <= budget_s < math.inf:
        raise InvalidArgumentError(f"budget_s must be a number of seconds, 0 or more; received {budget_s!r}.")
    if precision not in ("float32", "bfloat16"):
        raise InvalidArgumentError(f"precision must be 'float32' or 'bfloat16'; received {precision!r}.")
    sample = random_inputs(functional, input_shape, batch)
    gpu = bool(tf.config.get_visible_devices("GPU"))
    precisions: list[Precision] = ["float32"] if precision == "float32" else ["float32", precision]
    choose = (
        _RuleForGPUs() if device == "gpu" and not gpu else _Fastest(functional, budget_s / len(precisions))
    )
    with tf.device("CPU" if device == "cpu" or not gpu else "GPU"):
        before = tf.function(functional, autograph=False)
        wanted = before(sample)  # builds what Keras builds at the first call, such as a layer's activation
        calls = {"before": _call(before, sample)}
        for number in precisions:
            rewriter = Rewriter(functional, choose, precision=number)
            with _without_kernel(number):
                rewritten = rewriter.rewrite(sample)
                after = tf.function(rewritten, autograph=False)
                error, scale = largest_difference(wanted, after(sample))
            if error > TOLERANCES[number] * scale and largest_difference(wanted, before(sample))[0] > 0:
                raise InvalidArgumentError(
                    f"model must return the same for the same inputs; {model.name!r} does not. Call its "
                    "layers that draw random numbers, such as Dropout, without training=True."
                )
            _check_difference(error, scale, number)
            calls[number] = _call(after, sample)
        times = milliseconds(calls, budget_s * WHOLE_MODEL_SHARE)
    report = Report(
        tuple(rewriter.reports), error, scale, times["before"], times[precision], precision, times["float32"]
    )
    return Optimized(rewritten, report)


@contextmanager
def _without_kernel(precision: Precision) -> Iterator[None]:
    """Name the reason where oneDNN is told to leave out the instructions that TensorFlow counts on."""
    try:
        yield
    except tf.errors.AbortedError:
        if precision == "float32":
            raise
        raise TfdeconvError(
            'precision="bfloat16" needs kernels that oneDNN does not have here, though the processor would: '
            "ONEDNN_MAX_CPU_ISA hides its AVX-512. Unset that, set TF_ENABLE_ONEDNN_OPTS=0, or use "
            'precision="float32".'
        ) from None


def _check_difference(error: float, scale: float, precision: Precision) -> None:
    if error <= TOLERANCES[precision] * scale:
        return
    if precision == "bfloat16":
        raise TfdeconvError(
            f"In bfloat16 the outputs differ by up to {error:.3g} from those in float32, which reach "
            f'{scale:.3g}: the model does not bear it. Use precision="float32".'
        )
    raise TfdeconvError(
        f"The optimized model's outputs differ by up to {error:.3g} from the original's, which reach "
        f"{scale:.3g}. Please report the model; meanwhile, use it as it is."
    )


class _Fastest:
    """Chooses the lowering that is fastest here."""

    def __init__(self, model: keras.Model, budget_s: float) -> None:
        self._seconds = budget_s * (1 - WHOLE_MODEL_SHARE) / max(_transposed_layers(model), 1)

    def __call__(
        self, layer: keras.Layer, convolution: TransposedConvolution, sample: tf.Tensor, dtype: Any
    ) -> tuple[str | None, dict[str, float]]:
        candidates: dict[str, Any] = {}
        if type(layer) is ResizeConv2D:
            candidates[AS_IT_IS] = type(layer).from_config(config_in(layer, dtype))
        for name in LOWERINGS:
            if name == "zero_insertion":
                continue  # the reference view, never the fastest
            try:
                candidates[name] = PreparedConvTranspose.of(convolution, name, dtype=dtype)
            except LoweringNotApplicable:
                continue
        sample = tf.cast(sample, keras.dtype_policies.get(dtype).compute_dtype)
        runs = {name: _call(tf.function(one, autograph=False), sample) for name, one in candidates.items()}
        times = milliseconds(runs, self._seconds)
        best = min(times.values())
        fastest = next(name for name in times if times[name] <= NOISE * best)
        return (None if fastest == AS_IT_IS else fastest), times


class _RuleForGPUs:
    """Chooses without a GPU for a GPU: by the rule, whatever this processor prefers."""

    def __call__(
        self, layer: keras.Layer, convolution: TransposedConvolution, sample: tf.Tensor, dtype: Any
    ) -> tuple[str | None, dict[str, float]]:
        if type(layer) is ResizeConv2D:  # fewer multiplications, or as it is
            fused = math.prod(convolution.kernel.shape[:-2])
            if fused >= math.prod(layer.kernel_size) * math.prod(layer.factor):
                return None, {}
        geometry, channels = convolution.geometry, int(convolution.kernel.shape[-1])
        window = OutputWindow(geometry.crops, ())
        return choose_for_gpu(
            Problem(geometry, channels, convolution.filters, convolution.groups, window)
        ), {}


def _transposed_layers(model: keras.Model) -> int:
    return sum(is_known(layer) for layer in model._flatten_layers())


def _call(function: Callable[[Any], Any], argument: Any) -> Callable[[], None]:
    """A call that returns when the result is computed: ops on a GPU return earlier."""

    def call() -> None:
        function(argument)
        tf.test.experimental.sync_devices()

    return call
