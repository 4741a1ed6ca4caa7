"""One graph of layers, rewritten; nested models are rewritten by the same function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from tfdeconv.inference.activations import cheaper_activation
from tfdeconv.inference.folding import fold, foldable, folded_convolution
from tfdeconv.inference.fusible_convolution import FULL_PRECISION, fusible_convolution, is_known
from tfdeconv.inference.layer_calls import called_with_input_alone, calls_of, readers_of
from tfdeconv.inference.optimization_report import LayerReport
from tfdeconv.inference.prepared_conv_transpose import PreparedConvTranspose
from tfdeconv.inference.reduced_precision import Precision, bfloat16_layers, config_in
from tfdeconv.keras_reading import TransposedConvolution

Choose = Callable[[keras.Layer, TransposedConvolution, Any, Any], tuple[str | None, dict[str, float]]]
"""(layer, its convolution, a sample of its input, type) -> lowering, or None to keep the layer, and times."""


def as_functional(model: keras.Model) -> keras.Model | None:
    """Return ``model`` as a graph of layers; None where it is none (a subclass with its own ``call``).

    Example:
        >>> as_functional(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])).output_shape
        (None, 2)
    """
    if type(model) is keras.Sequential:
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name) if model.built else None
    functional = type(keras.Model(x := keras.Input(()), x))
    return model if type(model) is functional else None


class Rewriter:
    """Rewrites one graph; :attr:`reports` collects what was done."""

    def __init__(
        self, model: keras.Model, choose: Choose, *, precision: Precision = "float32", prefix: str = ""
    ) -> None:
        self._model = model
        self._choose = choose
        self._precision = precision
        self._prefix = prefix
        self._normalizations = foldable_pairs(model)
        self._reduced = bfloat16_layers(model, self._normalizations) if precision == "bfloat16" else set()
        self._new: dict[int, Any] = {}
        self._fills: list[tuple[keras.Layer, Callable[[], None]]] = []
        self.reports: list[LayerReport] = []

    def rewrite(self, inputs: Any) -> keras.Model:
        """Return the new model; ``inputs`` is a sample of the model's inputs."""
        samples = _samples(self._model, inputs)
        for operation in self._model.operations:
            absorbed = any(operation is other for other in self._normalizations.values())
            replacement = None if absorbed else self._replacement(operation, samples.get(id(operation)))
            self._new[id(operation)] = replacement
        rewritten = keras.models.clone_model(
            self._model,
            clone_function=lambda operation: self._new[id(operation)],
            call_function=_call_or_skip,
        )
        for layer, fill in self._fills:
            fill()
            for weight in layer.weights:  # `layer.trainable` stays: batch normalization computes by it
                weight.trainable = False
        return rewritten

    def _replacement(self, layer: Any, sample: Any) -> Any:
        if not isinstance(layer, keras.Layer):
            return layer  # a stateless operation of keras.ops
        if isinstance(layer, keras.Model):
            return self._nested(layer, sample)
        normalization = self._normalizations.get(id(layer))
        convolution = fusible_convolution(layer) if called_with_input_alone(layer) else None
        if convolution is not None and layer.compute_dtype in FULL_PRECISION:
            return self._transposed(layer, convolution, normalization, sample)
        if normalization is not None:
            name = self._fused_name(layer, normalization)
            folded, weights = folded_convolution(layer, normalization, name=name, dtype=self._dtype(layer))
            self._report(layer, f"absorbs {normalization.name}")
            return self._filled(folded, partial(folded.set_weights, weights))
        activation = cheaper_activation(layer, dtype=self._dtype(layer))
        if activation is not None:
            self._report(layer, activation[1])
            return activation[0]
        if id(layer) in self._reduced:
            self._report(layer, "")
        return self._copy(layer)

    def _dtype(self, layer: keras.Layer) -> Any:
        """The policy of what replaces ``layer``."""
        return self._precision if id(layer) in self._reduced else layer.dtype_policy

    def _nested(self, model: keras.Model, sample: Any) -> keras.Layer:
        functional = as_functional(model)
        if functional is None or sample is None or not called_with_input_alone(model):
            return self._copy(model)  # with training=True batch normalization inside computes otherwise
        inner = Rewriter(
            functional, self._choose, precision=self._precision, prefix=f"{self._prefix}{model.name}/"
        )
        rewritten = inner.rewrite(sample)
        self.reports += inner.reports
        return rewritten

    def _transposed(
        self,
        layer: keras.Layer,
        convolution: TransposedConvolution,
        normalization: keras.layers.BatchNormalization | None,
        sample: Any,
    ) -> keras.Layer:
        lowering, milliseconds = self._choose(layer, convolution, sample, self._dtype(layer))
        if lowering is None:
            if normalization is not None:
                del self._normalizations[id(layer)]  # stays a layer of its own
            self._report(layer, "kept", None, milliseconds)
            return self._copy(layer)
        what, new_name = f"{type(layer).__name__} -> {lowering}", layer.name
        if normalization is not None:
            convolution = fold(convolution, normalization)
            what += f", absorbs {normalization.name}"
            new_name = self._fused_name(layer, normalization)
        self._report(layer, what, lowering, milliseconds)
        return PreparedConvTranspose.of(convolution, lowering, name=new_name, dtype=self._dtype(layer))

    def _fused_name(self, layer: keras.Layer, normalization: keras.Layer) -> str:
        """The layer's own name, but outputs are called by their layer: those keep the name they have."""
        returned = any(tensor._keras_history.operation is normalization for tensor in self._model.outputs)
        name: str = normalization.name if returned else layer.name
        return name

    def _report(self, layer: keras.Layer, what: str, *measured: Any) -> None:
        if id(layer) in self._reduced:
            what = f"{what}, {self._precision}" if what else self._precision
        self.reports.append(LayerReport(f"{self._prefix}{layer.name}", what, *measured))

    def _copy(self, layer: keras.Layer) -> keras.Layer:
        """A new layer of the same configuration and weights; the layer itself where it cannot be made."""
        try:
            copy = type(layer).from_config(config_in(layer, self._dtype(layer)))
        except (NotImplementedError, TypeError, ValueError):
            return layer  # an unknown layer that does not say how it was made
        return self._filled(copy, partial(_copy_state, layer, copy))

    def _filled(self, layer: keras.Layer, fill: Callable[[], None]) -> keras.Layer:
        """Return the new ``layer``, whose weights ``fill`` sets once the new model has built it."""
        self._fills.append((layer, fill))
        return layer


def _copy_state(layer: keras.Layer, copy: keras.Layer) -> None:
    """Give ``copy`` what saving ``layer`` would keep: more than weights, after ``adapt`` for example."""
    for old, new in zip(layer._flatten_layers(), copy._flatten_layers(), strict=True):
        store: dict[str, Any] = {}
        old.save_own_variables(store)
        new.load_own_variables(store)


def _call_or_skip(layer: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call what replaces a layer; None stands for one that is part of the layer in front of it."""
    if layer is None:
        return args[0] if args else kwargs["inputs"]
    return layer(*args, **kwargs)


def foldable_pairs(model: keras.Model) -> dict[int, keras.layers.BatchNormalization]:
    """Map the id of a convolution to the batch normalization that alone reads its only output."""
    nodes, readers = calls_of(model), readers_of(model)
    returned = {id(tensor) for tensor in model.outputs}
    pairs = {}
    for layer in model.operations:
        if not hasattr(layer, "kernel") or len(nodes[id(layer)]) != 1 or not called_with_input_alone(layer):
            continue
        output = nodes[id(layer)][0].outputs[0]
        following = readers.get(id(output), [])
        if len(following) != 1 or id(output) in returned or len(nodes[id(following[0])]) != 1:
            continue
        if foldable(layer, following[0]) and called_with_input_alone(following[0]):
            pairs[id(layer)] = following[0]
    return pairs


def _input_of(node: Any) -> Any:
    """What a call reads, by position or by name; None where its first argument has another name."""
    arguments = node.arguments
    return arguments.args[0] if arguments.args else arguments.kwargs.get("inputs")


def _samples(model: keras.Model, inputs: Any) -> dict[int, Any]:
    """Map the id of a layer to what its first call reads when the model reads ``inputs``."""
    nodes = calls_of(model)
    # keys are text: Keras takes a list of one tensor for that tensor
    reads = {
        str(id(layer)): _input_of(nodes[id(layer)][0])
        for layer in model.operations
        if isinstance(layer, keras.Model) or (isinstance(layer, keras.Layer) and is_known(layer))
    }
    reads = {key: tensors for key, tensors in reads.items() if tensors is not None}
    if not reads:
        return {}
    values = keras.Model(model.input, reads)(inputs, training=False)
    return {int(key): value for key, value in values.items()}
