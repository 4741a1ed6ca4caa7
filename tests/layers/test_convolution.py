"""The package's own convolutions are Keras's where channels are last, and right where they are first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tfdeconv.keras_reading import computes_like, is_convolution
from tfdeconv.layers.convolution import KERAS, convolution_class

CASES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((9,), {"padding": "causal", "dilation_rate": 2}),
    ((9,), {"strides": 2, "use_bias": False}),
    ((6, 5), {"padding": "same", "strides": (2, 1), "activation": "relu"}),
    ((6, 7), {"dilation_rate": (1, 2), "groups": 2}),
    ((3, 4, 5), {"padding": "same"}),
]
"""The last size of most outputs is the number of filters: where Keras's bias would go along it."""


@pytest.mark.parametrize(("sizes", "options"), CASES, ids=str)
def test_channels_first_gives_the_numbers_of_channels_last(sizes, options) -> None:
    """Same arguments, same weights, same numbers, bias along the channels."""
    rng = np.random.default_rng(0)
    rank = len(sizes)
    x = rng.normal(size=(2, *sizes, 4)).astype("float32")
    kinds = {"kernel_size": 3, "bias_initializer": "random_normal", **options}
    filters = {1: 9, 2: 5, 3: 5}[rank] if options.get("groups") != 2 else 4
    last = KERAS[rank](filters, **kinds)
    expected = np.moveaxis(np.asarray(last(x)), -1, 1)
    first = convolution_class(rank, "channels_first")(filters, **kinds, data_format="channels_first")
    first.build((None, 4, *(None,) * rank))
    first.set_weights(last.get_weights())
    answer = first(np.moveaxis(x, -1, 1))
    assert first.compute_output_shape((2, 4, *sizes)) == answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)


def test_it_is_read_as_keras_s_own(tmp_path: Path) -> None:
    """Tools that know Keras's convolution know it; one that is derived from it with another call not."""
    layer = convolution_class(2, "channels_first")(3, 3, data_format="channels_first", name="c")

    class Louder(type(layer)):  # type: ignore[misc]
        def call(self, inputs):
            return 2 * super().call(inputs)

    assert is_convolution(layer)
    assert computes_like(layer, keras.layers.Conv2D)
    assert not is_convolution(Louder(3, 3))
    image = keras.Input([2, None, None])
    keras.Model(image, layer(image)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").get_layer("c")
    assert type(loaded) is type(layer)
    loaded.enable_lora(2)
    assert loaded(np.zeros([1, 2, 3, 5])).shape == (1, 3, 1, 3)
