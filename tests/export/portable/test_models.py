"""Whole models in every runtime."""

import keras
import pytest
from portable_targets import every_format, path_for

import tfdeconv as td
from tfdeconv import layers


def backbone():
    """Three poolings of a few filters, as VGG has them."""
    image = x = keras.Input([None, None, 3])
    for stage in range(3):
        x = keras.layers.Conv2D(4 + stage, 3, padding="same", activation="relu", name=f"conv{stage}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{stage}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool{stage}")(x)
    return keras.Model(image, x, name="backbone")


MODELS = {
    "slim x3": lambda: td.zoo.load_upscaler(3),
    "fsrcnn x4 rgb": lambda: td.zoo.RGBUpscaler(td.zoo.FSRCNN(4, weights="cc0-photos"), 4),
    "fcn 2s": lambda: td.zoo.FCN(backbone(), 3, 2),
    "fcn 4s learned": lambda: td.zoo.FCN(backbone(), 3, 4, "learned"),
    "fcn 8s additive": lambda: td.zoo.FCN(backbone(), 3, 8, "additive"),
    "fcn 2s subpixel": lambda: td.zoo.FCN(backbone(), 3, 2, "subpixel"),
    "unet": lambda: td.zoo.UNetDecoder(backbone(), 2, filters=(6, 5, 4)),
    "unet resize": lambda: td.zoo.UNetDecoder(backbone(), 2, filters=(6, 5, 4), upsampling="resize"),
    "dcgan": lambda: td.zoo.DCGANGenerator(16, width=8),
}


@every_format
@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_zoo_compute_the_same(tmp_path, target, name):
    """Pictures of any size go through the file as through the model."""
    path = path_for(target, tmp_path)
    keras.utils.set_random_seed(0)
    report = td.export_portable(MODELS[name](), path, format=target)
    assert report.error < 1e-4
    assert report.rewritten


@every_format
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_unpooling_puts_maxima_back(tmp_path, target, padding):
    """Switches count as TensorFlow counts them, whatever the runtime's own count."""
    path = path_for(target, tmp_path)
    image = keras.Input([None, None, 3], name="image")
    features = keras.layers.Conv2D(4, 3, padding="same")(image)
    pooled, switches = layers.MaxPooling2DWithSwitches(2, padding=padding)(features)
    unpooled = layers.MaxUnpooling2D(2, padding=padding)([pooled, switches], like=image)
    report = td.export_portable(keras.Model(image, [unpooled, switches]), path, format=target)
    assert report.error < 1e-4


@every_format
def test_overlapping_unpooling_is_refused_by_name(tmp_path, target):
    """It needs a scatter."""
    path = path_for(target, tmp_path)
    image = keras.Input([None, None, 3])
    pooled, switches = layers.MaxPooling2DWithSwitches(3, 2)(image)
    model = keras.Model(image, layers.MaxUnpooling2D(3, 2, name="spread")([pooled, switches], like=image))
    with pytest.raises(
        td.errors.ExportError, match=r"Layer 'spread' \(MaxUnpooling2D\) has overlapping windows"
    ):
        td.export_portable(model, path, format=target)
    assert not list(tmp_path.iterdir())


COMMON = [
    keras.layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2),
    keras.layers.SeparableConv2D(4, 3, activation="silu"),
    keras.layers.AveragePooling2D(3, 2, "same"),
    keras.layers.GlobalAveragePooling2D(keepdims=True),
    keras.layers.GlobalMaxPooling2D(),
    keras.layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="gelu"),
    keras.layers.LayerNormalization(),
    keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]),
    keras.layers.PReLU(alpha_initializer="glorot_uniform", shared_axes=[1, 2]),
    keras.layers.ReLU(max_value=0.4, negative_slope=0.1, threshold=0.2),
    keras.layers.ELU(0.5),
    keras.layers.Softmax(),
    keras.layers.Dense(5, "hard_silu"),
    keras.layers.Cropping2D(((1, 2), (0, 1))),
    keras.layers.ZeroPadding2D(((1, 2), (0, 1))),
    keras.layers.Permute((3, 1, 2)),
    keras.layers.Dropout(0.5),
    keras.layers.Rescaling([1.0, 2.0, 3.0], offset=-0.5),
]


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_layers_around_upsampling_compute_the_same(tmp_path, target):
    """What backbones are made of, each on the same picture, and what is added, joined and combined."""
    path = path_for(target, tmp_path)
    keras.utils.set_random_seed(1)
    image = keras.Input([None, None, 3], name="image")
    outputs = [layer(image) for layer in COMMON]
    gate = outputs[3]
    outputs.append(keras.layers.Multiply()([image, keras.layers.Dense(3, "sigmoid")(gate)]))
    outputs.append(keras.layers.Concatenate()([image, outputs[12]]))
    outputs.append(keras.layers.Average()([image, outputs[8]]))
    outputs.append(keras.ops.maximum(image * 2.0 - 1.0, image**2))
    outputs.append(keras.ops.clip(1.0 - image, 0.25, 0.5))
    report = td.export_portable(keras.Model(image, outputs), path, format=target)
    assert report.error < 1e-4


def test_keras_applications_are_backbones(tmp_path):
    """Squeeze-and-excitation, swish and asymmetric padding at stride 2."""
    path = path_for("onnx", tmp_path)
    model = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(None, None, 3))
    cut = keras.Model(model.input, model.get_layer("block3a_expand_activation").output)
    report = td.export_portable(cut, path)
    assert report.error < 1e-4
