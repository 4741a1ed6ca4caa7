"""``tfdeconv export``, in this process."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from tfdeconv.cli.commands.export import command
from tfdeconv.errors import ExportError, InvalidArgumentError
from tfdeconv.zoo import FSRCNN, RGBUpscaler, load_upscaler
from tfdeconv.zoo.upscalers.pretrained import save_weights


def export(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=True)


def test_the_shipped_upscaler_is_exported(tmp_path):
    """The path is printed; it serves both signatures at the asked scale and says its tiles."""
    result = export(tmp_path / "upscaler", "--scale", 3)
    assert result.output.strip() == str(tmp_path / "upscaler" / "1")
    signatures = tf.saved_model.load(result.output.strip()).signatures
    assert set(signatures) == {"serving_default", "serve_image_bytes", "tiles"}
    assert signatures["serving_default"](image=tf.zeros([1, 2, 4, 3]))["upscaled"].shape == (1, 6, 12, 3)


@pytest.mark.parametrize("tile", [None, 64])
def test_tiles_of_a_keras_file_are_written_when_asked_for(tmp_path, tile):
    """Any model may be given with --model, and not every one has exact tiles."""
    keras.Sequential([keras.Input([None, None, 1], name="x"), keras.layers.UpSampling2D()]).save(
        tmp_path / "m.keras"
    )
    options = [] if tile is None else ["--tile", tile]
    result = export(tmp_path / "m", "--model", tmp_path / "m.keras", *options)
    assert result.exit_code == 0
    file = tmp_path / "m" / "1" / "assets.extra" / "tiles.json"
    assert file.exists() == (tile is not None)
    assert tile is None or '"tile": [64, 64]' in file.read_text()
    result = export(tmp_path / "m.onnx", "--format", "onnx", "--tile", 64)
    assert "--tile is for saved_model; received --format onnx" in str(result.exception)


def test_the_limit_of_pictures_is_the_graphs(tmp_path):
    """A picture beyond --max-image-pixels is refused by the graph itself; one at it is not."""
    result = export(tmp_path / "upscaler", "--max-image-pixels", 20)
    decode = tf.saved_model.load(result.output.strip()).signatures["serve_image_bytes"]
    fits, large = (tf.io.encode_png(tf.zeros([4, width, 3], tf.uint8)) for width in (5, 6))
    assert decode(image_bytes=[fits])["upscaled_bytes"].shape == (1,)
    with pytest.raises(tf.errors.InvalidArgumentError, match="this signature takes at most 20"):
        decode(image_bytes=[large])


def test_a_limit_of_pictures_without_pictures(tmp_path):
    """Where no signature takes encoded pictures, the limit is refused and not passed over."""
    keras.Sequential([keras.Input([None, None, 1], name="x"), keras.layers.UpSampling2D()]).save(
        tmp_path / "m.keras"
    )
    result = export(tmp_path / "m", "--model", tmp_path / "m.keras", "--max-image-pixels", 20)
    assert "The limit of 20 pixels is for the signature serve_image_bytes" in str(result.exception)
    assert not (tmp_path / "m").exists()
    result = export(tmp_path / "m.onnx", "--format", "onnx", "--max-image-pixels", 20)
    assert "--max-image-pixels is for saved_model; received --format onnx" in str(result.exception)
    assert export(tmp_path / "m", "--max-image-pixels", 0).exit_code == 2


def test_a_keras_file_is_exported_with_warmup(tmp_path):
    """--model takes any .keras file, --version and --warmup are honoured."""
    keras.Sequential([keras.Input([None, None, 1], name="x"), keras.layers.UpSampling2D()]).save(
        tmp_path / "m.keras"
    )
    result = export(tmp_path / "m", "--model", tmp_path / "m.keras", "--version", 12, "--warmup", "4x6")
    assert result.exit_code == 0
    assert (tmp_path / "m" / "12" / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 96


@pytest.mark.parametrize(("quality", "source"), [("fine", "clean"), ("fast", "jpeg")])
def test_quality_and_source_choose_what_is_exported(tmp_path, quality, source):
    """The SavedModel computes what load_upscaler's network does."""
    result = export(tmp_path / "upscaler", "--quality", quality, "--source", source)
    assert result.exit_code == 0, result.output
    image = np.random.default_rng(0).random((1, 6, 5, 3)).astype(np.float32)
    luma_model = load_upscaler(2, quality=quality, source=source)
    expected = RGBUpscaler(luma_model, 2)(image)
    served = tf.saved_model.load(str(tmp_path / "upscaler" / "1")).signatures["serving_default"]
    np.testing.assert_allclose(served(image=image)["upscaled"], expected, atol=1e-5)


def test_weights_of_a_training_run_are_exported(tmp_path):
    """The export computes what the trained network does."""
    model = FSRCNN(3)
    model.get_layer("deconvolution").bias.assign([0.125])
    save_weights(model, tmp_path / "weights.npz")
    result = export(tmp_path / "upscaler", "--scale", 3, "--weights", tmp_path / "weights.npz")
    image = tf.random.stateless_uniform([1, 5, 4, 3], [0, 0])
    served = tf.saved_model.load(result.output.strip()).signatures["serving_default"](image=image)
    np.testing.assert_allclose(served["upscaled"], RGBUpscaler(model, 3)(image), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--model", "missing.keras"], InvalidArgumentError, "there is no file 'missing.keras'"),
        (["--model", __file__], InvalidArgumentError, "cannot be loaded"),
        (
            ["--warmup", "256"],
            InvalidArgumentError,
            "--warmup must be HEIGHTxWIDTH, such as 256x256; received '256'",
        ),
        (["--weights", "a.npz", "--model", "b.keras"], InvalidArgumentError, "give one of them"),
        (["--weights", "a.npz"], InvalidArgumentError, "weights 'a.npz' cannot be read"),
        (["--weights", "a.npz", "--quality", "fine"], InvalidArgumentError, "--weights is another one"),
        (["--model", "b.keras", "--source", "jpeg"], InvalidArgumentError, "--model is another one"),
        (["--version", "0"], ExportError, "version must be at least 1; received 0"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, arguments, error, message):
    """Each message names the argument, the rule and what was received."""
    result = export(tmp_path / "m", *arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)


def test_warmup_of_a_model_without_pictures_is_refused(tmp_path):
    """Warm-up sizes are sizes of pictures."""
    keras.Sequential([keras.Input([4]), keras.layers.Dense(1)]).save(tmp_path / "dense.keras")
    result = export(tmp_path / "m", "--model", tmp_path / "dense.keras", "--warmup", "2x2")
    assert "--warmup needs a model with one picture as input" in str(result.exception)


def test_another_format_is_written_and_reported(tmp_path):
    """--format and --luma choose the file; what was done and found is printed."""
    pytest.importorskip("onnxruntime")
    path = tmp_path / "luma.onnx"
    result = export(path, "--format", "onnx", "--luma", "--scale", 3, "--input-shape", "8x10x1")
    assert result.exit_code == 0, result.output
    assert path.is_file()
    assert "upsample  Conv2DTranspose -> convolution, depth to space" in result.output
    assert result.output.splitlines()[-1].startswith(f"{path}: onnx, float32, ")


def test_int8_is_calibrated_from_a_file_of_samples(tmp_path):
    """--calibration takes a .npy file besides a folder."""
    pytest.importorskip("onnxruntime")
    y, x = np.mgrid[0:32, 0:32] / 32
    np.save(
        tmp_path / "samples.npy", (0.5 + 0.3 * np.sin([5 * x + y, 3 * x * y]))[..., None].astype("float32")
    )
    arguments = ("--luma", "--precision", "int8", "--calibration", tmp_path / "samples.npy")
    result = export(tmp_path / "luma.onnx", "--format", "onnx", *arguments)
    assert result.exit_code == 0, result.exception
    assert "onnx, int8" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precision", "int8"], "--precision is for the other formats; received --format saved_model"),
        (["--format", "onnx", "--version", "0"], "--version is for saved_model; received --format onnx"),
        (["--format", "onnx", "--warmup", "2x2"], "--warmup is for saved_model; received --format onnx"),
        (["--format", "onnx", "--input-shape", "8"], "input_shape must fit the model's input"),
        (
            ["--format", "onnx", "--input-shape", "8x"],
            "--input-shape must be sizes like 256x256x3; received '8x'",
        ),
        (["--format", "litert"], "path must end in .tflite for format='litert'"),
        (
            ["--format", "onnx", "--precision", "int8", "--calibration", "no.npy"],
            "--calibration must be a folder of pictures or a .npy file of samples; 'no.npy'",
        ),
    ],
)
def test_options_of_another_format_are_refused(tmp_path, arguments, message):
    """Nothing that was asked for is dropped in silence."""
    pytest.importorskip("onnxruntime")
    result = export(tmp_path / "m.onnx", *arguments)
    assert isinstance(result.exception, InvalidArgumentError)
    assert message in str(result.exception)
    assert not list(tmp_path.iterdir())
