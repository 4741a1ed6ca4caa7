"""What a functional model takes and returns, as flat lists."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tfdeconv.errors import InvalidArgumentError


def output_names(model: Any) -> list[str]:
    """Return a name for each of ``model.outputs``: the keys of a dictionary, else the layers' names.

    Further outputs of one layer are numbered, so that no two have one name.

    Args:
        model: A functional or Sequential model.

    Example:
        >>> image, twice = keras.Input([4]), keras.layers.ReLU(name="relu")
        >>> output_names(keras.Model(image, [twice(image), twice(-image)]))
        ['relu', 'relu_1']
    """
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    structure = model._outputs_struct
    if isinstance(structure, Mapping) and len(structure) == len(model.outputs):
        return sorted(structure)
    names: list[str] = []
    for name in model.output_names:
        numbered = (f"{name}_{number}" for number in itertools.count(1))
        taken = {*names, *model.output_names}
        names.append(name if name not in names else next(new for new in numbered if new not in taken))
    return names


class ModelArguments:
    """Between the structures of a model's call (one tensor, lists, dictionaries) and flat lists.

    Args:
        model: A functional or Sequential model.

    Example:
        >>> a, b = keras.Input([4], name="a"), keras.Input([4], name="b")
        >>> arguments = ModelArguments(keras.Model({"b": b, "a": a}, a + b))
        >>> [int(value) for value in arguments.flat_inputs({"a": 1, "b": 2})]
        [1, 2]
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        if isinstance(model, keras.Sequential):
            self._inputs, self._outputs = model.inputs[0], model.outputs[0]
        else:
            self._inputs, self._outputs = model._inputs_struct, model._outputs_struct
        self.output_names = output_names(model)
        self.input_names = [tensor.name for tensor in model.inputs]

    def flat_inputs(self, inputs: Any) -> list[Any]:
        """Return the inputs in the order of ``model.inputs``.

        Raises:
            InvalidArgumentError: They are not those that the model takes.
        """
        if isinstance(inputs, Mapping):
            keys = sorted(self._inputs) if isinstance(self._inputs, Mapping) else self.input_names
            flat = [inputs[key] for key in keys if key in inputs]
        else:
            flat = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        if len(flat) != len(self.input_names):
            raise InvalidArgumentError(
                f"model {self._model.name!r} takes the inputs {', '.join(self.input_names)}; received "
                f"{', '.join(inputs) if isinstance(inputs, Mapping) else len(flat)}."
            )
        return [value if hasattr(value, "shape") else keras.ops.convert_to_numpy(value) for value in flat]

    def inputs(self, flat: Sequence[Any]) -> Any:
        """Return inputs in the model's structure."""
        return keras.tree.pack_sequence_as(self._inputs, list(flat))

    def flat_outputs(self, outputs: Any) -> list[Any]:
        """Return the outputs in the order of ``model.outputs``."""
        return list(keras.tree.flatten(outputs))

    def outputs(self, flat: Sequence[Any]) -> Any:
        """Return outputs in the model's structure."""
        return keras.tree.pack_sequence_as(self._outputs, list(flat))

    def output_shapes(self, flat: Sequence[Any]) -> list[Any]:
        """Return the shape and the dtype of each output for such inputs, as symbolic tensors.

        Raises:
            InvalidArgumentError: The model refuses the inputs' shapes.
        """
        given = [
            keras.KerasTensor(tuple(value.shape), tensor.dtype)
            for value, tensor in zip(flat, self._model.inputs, strict=True)
        ]
        for tensor, spec in zip(self._model.inputs, given, strict=True):
            fits = len(tensor.shape) == len(spec.shape) and all(
                wanted in (None, size) for wanted, size in zip(tensor.shape, spec.shape, strict=True)
            )
            if not fits or 0 in spec.shape or spec.shape[0] != given[0].shape[0]:
                raise InvalidArgumentError(
                    f"input {tensor.name!r} of {self._model.name!r} must have shape {tuple(tensor.shape)} "
                    f"(None: any, at least 1) and the batch of the others; received {tuple(spec.shape)}."
                )
        try:
            specs = keras.Function(self._model.inputs, self._model.outputs).compute_output_spec(given)
        except ValueError as error:
            shapes = " and ".join(str(tuple(spec.shape)) for spec in given)
            raise InvalidArgumentError(
                f"model {self._model.name!r} refuses inputs of shape {shapes}: {error}"
            ) from None
        return list(specs)
