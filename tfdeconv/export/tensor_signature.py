"""The signature of a model as a function of its named tensors."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfdeconv.export.pictures import refuse_empty
from tfdeconv.tiling import output_names


def serving_default(model: keras.Model) -> Any:
    """Return ``model`` as a function of named tensors; batch and unknown sizes stay free.

    An output is called by its key where the model returns a dictionary, else after its layer; further ones of
    one layer are numbered. Empty
    pictures and volumes (inputs of rank 4 and 5) are refused when the function runs.

    Example:
        >>> image = keras.Input([4], name="image")
        >>> function = serving_default(keras.Model(image, keras.layers.ReLU(name="clipped")(image)))
        >>> {name: tuple(tensor.shape) for name, tensor in function({"image": tf.ones([2, 4])}).items()}
        {'clipped': (2, 4)}
    """
    specs = {
        tensor.name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    }
    structure = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    names = output_names(model)

    @tf.function(input_signature=[specs], autograph=False)
    def tensors(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        values = [
            refuse_empty(inputs[tensor.name]) if len(tensor.shape) in (4, 5) else inputs[tensor.name]
            for tensor in model.inputs
        ]
        given = keras.tree.pack_sequence_as(structure, values)
        outputs = model(given, training=False)
        return dict(zip(names, keras.tree.flatten(outputs), strict=True))

    return tensors
