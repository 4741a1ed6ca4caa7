"""The facts about one layer."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import tfdeconv as td
from tfdeconv import analysis, layers
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Window

LAYERS = [
    (layers.Conv2DTranspose(4, 3, strides=2, padding="same", groups=2), (8, 8, 6), True),
    (layers.Conv2DTranspose(4, 3, strides=2, data_format="channels_first"), (6, 8, 8), True),
    (layers.DepthwiseConv2DTranspose(4, strides=2, padding=1, depth_multiplier=2), (8, 8, 3), True),
    (layers.ResizeConv2D(4, 3, activation="relu"), (8, 8, 3), True),
    (layers.ResizeConv2D(4, 3, padding="valid"), (8, 8, 3), True),
    (layers.ResizeConv2D(4, 4, factor=(3, 2)), (5, 6, 2), True),
    (layers.ResizeConv2D(4, 3, interpolation="bilinear"), (8, 8, 3), False),
    (layers.SubpixelConv2D(4, 3), (8, 8, 3), True),
    (layers.BilinearUpsampling2D(3), (6, 7, 2), True),
    (layers.BilinearUpsampling2D(3, boundary="edge"), (6, 7, 2), False),
    (layers.LinearUpsampling1D(4), (7, 2), True),
    (layers.TrilinearUpsampling3D(2), (4, 4, 4, 1), True),
    (layers.BilinearAdditiveUpsampling2D(2, boundary="zero"), (8, 8, 4), True),
    (keras.layers.UpSampling2D(2), (8, 8, 3), True),
]


@pytest.mark.parametrize(("layer", "shape", "exact"), LAYERS, ids=lambda value: type(value).__name__)
def test_layer_equals_the_transposed_convolution_it_is_described_as(layer, shape, exact):
    """The configuration with the probed kernel gives the layer's own interior, and, if exact, its borders."""
    found = analysis.describe(layer, shape)
    assert found.configuration is not None
    assert found.exact == exact
    sizes = found.output_shape[2:] if found.kind == "channels_first" else found.output_shape[1:-1]
    if getattr(layer, "data_format", None) == "channels_first":
        sizes = found.output_shape[2:]
    assert found.configuration.output_size == tuple(sizes)
    assert found.checkerboard.path == found.path


def test_window_of_fused_resize_convolution():
    """Nearest resize by 2 and a 3-tap convolution is one kernel of 4 taps that starts at sample 1."""
    found = analysis.describe(layers.ResizeConv2D(1, 3), (8, 8, 1))
    assert found.configuration.kernel_size == (4, 4)
    assert found.configuration.windows == (Window(1, 16),) * 2
    assert found.macs == 8 * 8 * 16  # instead of the 16 * 16 * 9 of resizing first


def test_cost_and_memory():
    """Multiplications and bytes are those of the shapes."""
    found = analysis.describe(layers.Conv2DTranspose(16, 5, strides=2, padding="same"), (4, 4, 8))
    assert found.macs == 4 * 4 * 25 * 16 * 8
    assert found.parameters == 25 * 16 * 8 + 16
    assert found.memory == 4 * (25 * 16 * 8 + 16 + 4 * 4 * 8 + 8 * 8 * 16)
    assert found.lowering.removeprefix("auto: ") in td.ops.LOWERINGS
    fixed = layers.Conv1DTranspose(2, 4, strides=2, lowering="scatter")
    assert analysis.describe(fixed, (4, 1)).lowering == "scatter"


def test_optimized_models_are_described():
    """Layers that td.optimize made keep score and window of what they replace."""
    image = keras.Input([16, 16, 3])
    x = layers.Conv2DTranspose(4, 3, 2, padding="same", activation="relu", name="up")(image)
    model = keras.Model(image, layers.ResizeConv2D(2, 3, name="resize")(x))
    optimized = td.optimize(model, (16, 16, 3), budget_s=1.0).model
    before, after = analysis.describe_model(model), analysis.describe_model(optimized)
    assert [found.path for found in after] == [found.path for found in before]
    for first, second in zip(before, after, strict=True):
        assert second.checkerboard.score == pytest.approx(first.checkerboard.score, abs=1e-5)
        assert second.configuration.windows == first.configuration.windows


def test_text_holds_the_facts():
    """The printed form names window, frameworks, cost and checkerboard."""
    layer = layers.Conv2DTranspose(1, 3, strides=2, padding=1, output_padding=1, name="up")
    text = str(analysis.describe(layer, (4, 4, 1)))
    for fact in (
        "up (Conv2DTranspose)",
        "samples [1, 9) of 9",
        "ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)",
        "144 multiplications",
        "(uneven overlap)",
    ):
        assert fact in text


def test_layers_without_an_equivalent():
    """A pixel shuffle and an unpooling have shapes and memory, but no window."""
    shuffle = analysis.describe(layers.PixelShuffle2D(2), (8, 8, 4))
    assert shuffle.configuration is None
    assert "separate channels" in str(shuffle)
    image = keras.Input([8, 8, 3])
    pooled = layers.MaxPooling2DWithSwitches(2)(image)
    (unpooling,) = analysis.describe_model(keras.Model(image, layers.MaxUnpooling2D(2)(pooled)))
    assert unpooling.macs is None
    assert unpooling.output_shape == (1, 8, 8, 3)


def test_model_layers_get_their_real_shapes():
    """Inside a model, each layer is described with the input it gets there."""
    model = keras.Sequential(
        [keras.Input([None, None, 3]), layers.Conv2DTranspose(2, 4, 2), layers.ResizeConv2D(1, 3, 3)]
    )
    first, second = analysis.describe_model(model, (5, 6, 3))
    assert first.output_shape == second.input_shape == (1, 12, 14, 2)
    with pytest.raises(InvalidArgumentError, match=r"holds 2\. Use describe_model"):
        analysis.describe(model)


def test_layer_that_does_not_upsample_is_refused():
    """A convolution is no upsampling layer."""
    with pytest.raises(InvalidArgumentError, match="must be one upsampling layer"):
        analysis.describe(keras.layers.Conv2D(1, 3), (8, 8, 1))


def test_transposed_convolution_of_stride_one_is_described():
    """Stride 1 does not upsample, but it is a transposed convolution all the same."""
    found = analysis.describe(layers.Conv1DTranspose(1, 3), (4, 1))
    assert found.output_shape == (1, 6, 1)
    assert found.checkerboard.cause == "none"
    np.testing.assert_array_equal(found.configuration.full_size, 6)


@keras.saving.register_keras_serializable("tests")
class NotATransposeAtAll(keras.layers.Layer):
    """A user's layer: its name holds "Transpose", it has a kernel_size and no kernel."""

    kernel_size, padding, strides = (3, 3), "same", (2, 2)

    def call(self, inputs):
        return keras.ops.repeat(keras.ops.repeat(inputs, 2, axis=1), 2, axis=2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height * 2, width * 2, channels)


def test_a_layer_with_transpose_in_its_name_is_judged_by_what_it_does(tmp_path):
    """It is probed like any other linear upsampler, by the functions and by the command."""
    from tfdeconv.cli.commands.analyze import command

    model = keras.Sequential([keras.Input([8, 8, 2]), NotATransposeAtAll(name="mine")])
    (found,) = analysis.describe_model(model)
    assert found.configuration.kernel_size == (2, 2)
    assert found.checkerboard.cause == "none"
    model.save(tmp_path / "model.keras")
    result = CliRunner().invoke(command, [str(tmp_path / "model.keras"), "--no-report"])
    assert result.exit_code == 0, result.output
    assert "mine" in result.output


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_pixel_shuffle_is_known_by_what_it_does(data_format):
    """A Lambda around depth_to_space is one, whatever its name: its phases are made in front of it."""

    def shuffle(x):
        if data_format == "channels_last":
            return tf.nn.depth_to_space(x, 2)
        return tf.transpose(tf.nn.depth_to_space(tf.transpose(x, [0, 2, 3, 1]), 2), [0, 3, 1, 2])

    first = data_format == "channels_first"
    layer = keras.layers.Lambda(shuffle)
    layer.data_format = data_format
    conv = keras.layers.Conv2D(8, 3, padding="same", kernel_initializer="ones", data_format="channels_last")
    alone = analysis.describe(layer, (8, 6, 6) if first else (6, 6, 8))
    assert alone.checkerboard.cause == "separate channels"
    assert alone.configuration is None
    if not first:
        model = keras.Sequential([keras.Input([6, 6, 1]), conv, layer])
        assert analysis.describe_model(model)[0].checkerboard.cause == "none", "judged with the convolution"
