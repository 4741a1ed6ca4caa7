"""Models follow the layout that Keras is set to, and the layout changes no number."""

import keras
import numpy as np
import pytest

import tfdeconv as td


@pytest.fixture
def channels_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


def _backbone():
    """Three levels of two channels, in the layout that Keras is set to."""
    first = keras.config.image_data_format() == "channels_first"
    x = image = keras.Input([3, None, None] if first else [None, None, 3])
    for width in (2, 4):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D(2)(x)
    return keras.Model(image, keras.layers.Conv2D(5, 3, padding="same")(x))


UPSAMPLINGS = ("bilinear", "learned", "additive", "subpixel")

MODELS = {
    "DCGANGenerator": lambda: td.zoo.DCGANGenerator(16, width=4, latent_dim=6),
    "FSRCNN": lambda: td.zoo.FSRCNN(2, d=4, s=3, m=1),
    "Fine": lambda: td.zoo.Fine(3),
    "Slim": lambda: td.zoo.Slim(3),
    "load_upscaler": lambda: td.zoo.load_upscaler(2),
    "RGBUpscaler": lambda: td.zoo.RGBUpscaler(td.zoo.FSRCNN(2, d=4, s=3, m=1), 2),
    **{f"FCN {kind}": lambda kind=kind: td.zoo.FCN(_backbone(), 2, 2, kind) for kind in UPSAMPLINGS},
    **{
        f"UNetDecoder {kind}": lambda kind=kind: td.zoo.UNetDecoder(
            _backbone(), 2, filters=(4, 3), upsampling=kind
        )
        for kind in ("transposed", "subpixel", "resize")
    },
}


def test_every_model_of_the_zoo_is_tried():
    """A model that is added to the zoo is added here."""
    models = {name for name in td.zoo.__all__ if name[0].isupper() and not name.endswith("Network")}
    assert models <= {name.split()[0] for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_channels_first_model_computes_what_channels_last_does(name, channels_first):
    """The same weights give the same numbers, with channels on axis 1 of every tensor."""
    first = MODELS[name]()
    keras.config.set_image_data_format("channels_last")
    last = MODELS[name]()
    rng = np.random.default_rng(0)
    weights = [rng.normal(0.0, 0.3, weight.shape) for weight in last.get_weights()]
    weights = [np.abs(w) if "variance" in v.name else w for w, v in zip(weights, last.weights, strict=True)]
    last.set_weights(weights)
    if name == "DCGANGenerator":  # the projection's units are the samples of the first map, in another order
        x = rng.normal(size=(2, 6)).astype("float32")
        units = np.arange(weights[0].shape[1]).reshape(4, 4, -1).transpose(2, 0, 1).ravel()
        weights[0] = weights[0][:, units]
    else:
        # Keras 3.15 adds the bias of a channels-first convolution along the width where that is the number
        # of filters (its ops.add): no width here is.
        x = rng.random((2, 9, 22, last.input_shape[-1])).astype("float32")
    first.set_weights(
        [w.reshape(v.shape) if v.name == "alpha" else w for w, v in zip(weights, first.weights, strict=True)]
    )
    expected = np.array(last(x))
    answer = np.array(first(x if x.ndim == 2 else np.moveaxis(x, -1, 1)))
    assert first.output_shape[1] == last.output_shape[-1]
    np.testing.assert_allclose(
        np.moveaxis(answer, 1, -1), expected, rtol=0, atol=1e-3 * np.abs(expected).max()
    )
