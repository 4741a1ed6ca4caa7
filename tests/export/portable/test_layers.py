"""Every upsampling layer in every runtime."""

import keras
import numpy as np
import pytest
from portable_targets import every_format, path_for

import tfdeconv as td
from tfdeconv import layers

GLOROT = {"bias_initializer": "glorot_normal"}

CASES = {
    1: [
        lambda: layers.Conv1DTranspose(3, 5, 3, "same", dilation_rate=2, **GLOROT),
        lambda: layers.Conv1DTranspose(4, 2, 3, "valid", groups=2),
        lambda: layers.Conv1DTranspose(4, 4, 2, padding=1, groups=4, **GLOROT),
        lambda: layers.LinearUpsampling1D(3, boundary="edge"),
        lambda: layers.PixelShuffle1D(2, order="crd"),
        lambda: keras.layers.Conv1DTranspose(2, 3, 2, "same"),
    ],
    2: [
        lambda: layers.Conv2DTranspose(3, (3, 4), (2, 3), "same", **GLOROT),
        lambda: layers.Conv2DTranspose(3, 3, 2, padding=1, output_padding=1, dilation_rate=(1, 2)),
        lambda: layers.Conv2DTranspose(
            6, 4, 2, padding=((0, 3), (2, -1)), groups=2, activation="tanh", **GLOROT
        ),
        lambda: layers.Conv2DTranspose(2, 1, 2, "same", dilation_rate=3),
        lambda: layers.DepthwiseConv2DTranspose(4, (2, 3), "same", depth_multiplier=2, **GLOROT),
        lambda: layers.BilinearUpsampling2D(3),
        lambda: layers.BilinearUpsampling2D((2, 4), boundary="edge"),
        lambda: layers.BilinearUpsampling2D(2, trainable=True, boundary="edge"),
        lambda: layers.BilinearAdditiveUpsampling2D(2, reduction=2),
        lambda: layers.ResizeConv2D(3, 3, 2),
        lambda: layers.ResizeConv2D(3, 4, (1, 2), "bilinear", padding="valid", **GLOROT),
        lambda: layers.SubpixelConv2D(2, 3, 2, order="crd", **GLOROT),
        lambda: layers.SubpixelConv2D(2, 2, (3, 1), padding="valid"),
        lambda: layers.PixelShuffle2D(2, order="crd"),
        lambda: keras.layers.Conv2DTranspose(3, 4, 2, output_padding=1),
        lambda: keras.layers.UpSampling2D((2, 3)),
        lambda: keras.layers.UpSampling2D(3, interpolation="bilinear"),
    ],
    3: [
        lambda: layers.Conv3DTranspose(2, 3, (2, 1, 3), "same", **GLOROT),
        lambda: layers.Conv3DTranspose(4, 2, 2, "valid", groups=2, dilation_rate=(1, 2, 1)),
        lambda: layers.TrilinearUpsampling3D(2, boundary="edge"),
        lambda: layers.PixelShuffle3D((2, 1, 2)),
        lambda: keras.layers.Conv3DTranspose(2, 2, 2),
    ],
}


def model_of(makers, sizes, channels=4):
    image = keras.Input([*sizes, channels], name="x")
    return keras.Model(image, [make()(image) for make in makers])


@every_format
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_layer_computes_the_same_in_every_runtime(tmp_path, target, rank):
    """Free sizes, odd sizes and several samples: within 1e-4 of the largest output, without ConvTranspose."""
    path = path_for(target, tmp_path)
    report = td.export_portable(model_of(CASES[rank], [None] * rank), path, format=target)
    assert report.error < 1e-4
    assert path.is_file()
    assert report.bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert not any("ranspose" in name and "onv" in name for name in report.operations)
    assert len({shape[0][1] for shape in report.shapes}) == 2
    assert {shape[0][0] for shape in report.shapes} == {1, 2}


@every_format
def test_fixed_sizes_are_fixed_in_the_file(tmp_path, target):
    """input_shape= takes the place of free sizes, and the file still computes the same."""
    path = path_for(target, tmp_path)
    makers = [lambda: layers.Conv2DTranspose(3, 3, 2, "same"), lambda: layers.BilinearUpsampling2D(2)]
    report = td.export_portable(model_of(makers, [None, None]), path, format=target, input_shape=(9, 7, 4))
    assert {shape[0][1:] for shape in report.shapes} == {(9, 7, 4)}


@every_format
def test_a_requested_size_is_taken_when_the_file_runs(tmp_path, target):
    """like= and output_shape= choose the window by sizes that only the running file knows."""
    path = path_for(target, tmp_path)
    image = keras.Input([None, None, 3], name="image")
    same = keras.layers.Conv2D(4, 3, 2, padding="same")(image)
    valid = keras.layers.Conv2D(4, 4, 2)(image)
    padded = keras.layers.Conv2D(4, 4, 2)(keras.layers.ZeroPadding2D(1)(image))
    outputs = [
        layers.Conv2DTranspose(2, 3, 2, "same", **GLOROT)(same, like=image),
        layers.Conv2DTranspose(2, 4, 2, "valid", **GLOROT)(valid, like=image),
        layers.DepthwiseConv2DTranspose(4, 2, padding=1, **GLOROT)(padded, like=image),
    ]
    outputs.append(layers.CropLike(offset=1)([outputs[0], same]))
    report = td.export_portable(keras.Model(image, outputs), path, format=target)
    assert report.error < 1e-4


@every_format
def test_the_runtimes_own_transposed_convolution_is_written_where_it_is_asked_for(tmp_path, target):
    """lowering='gradient' keeps it."""
    path = path_for(target, tmp_path)
    model = model_of([lambda: layers.Conv2DTranspose(3, 4, 2, "same", **GLOROT)], [None, None])
    report = td.export_portable(model, path, format=target, lowering="gradient")
    name = {"onnx": "ConvTranspose", "litert": "TRANSPOSE_CONV", "openvino": "ConvolutionBackpropData"}[
        target
    ]
    assert report.operations[name] == 1
    assert report.error < 1e-4


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_an_empty_batch_is_taken(tmp_path, target):
    """No sample in, no sample out, for shuffles of every kind."""
    path = path_for(target, tmp_path)
    for rank in (1, 2, 3):
        report = td.export_portable(model_of(CASES[rank][:3], [None] * rank), path, format=target)
        assert report.empty_batch is True


def test_names_and_types_are_those_of_the_model(tmp_path):
    """A client of the SavedModel finds the same inputs and outputs."""
    runtime = pytest.importorskip("onnxruntime")
    image = keras.Input([None, None, 3], dtype="uint8", name="picture")
    scaled = keras.layers.Rescaling(1 / 255)(image)
    outputs = {"twice": layers.Conv2DTranspose(2, 2, 2)(scaled), "scaled": scaled}
    td.export_portable(keras.Model(image, outputs), path_for("onnx", tmp_path))
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    assert [(i.name, i.type) for i in session.get_inputs()] == [("picture", "tensor(uint8)")]
    result = session.run(["scaled", "twice"], {"picture": np.full((1, 2, 3, 3), 255, np.uint8)})
    np.testing.assert_allclose(result[0], np.ones((1, 2, 3, 3)), rtol=1e-6)
    assert result[1].shape == (1, 4, 6, 2)
