"""Smaller numbers: half the size, or a quarter, and what they cost."""

import keras
import numpy as np
import pytest
from portable_targets import every_format, path_for

import tfdeconv as td
from tfdeconv.export.portable.quantization import Node, Ranges, integer_nodes


def pictures(count=4, size=48):
    """Smooth pictures with edges, in the luma range."""
    y, x = np.mgrid[0:size, 0:size] / size
    waves = [np.sin(2 * np.pi * (n + 1) * (x * np.cos(n) + y * np.sin(n))) for n in range(count)]
    return (0.5 + 0.35 * np.sign(np.stack(waves)) * np.abs(np.stack(waves)) ** 0.5)[..., np.newaxis].astype(
        "float32"
    )


@every_format
def test_float16_is_smaller_and_close(tmp_path, target):
    """Weights of half the size; the difference is that of half precision."""
    image = keras.Input([None, None, 4], name="image")
    model = keras.Model(image, td.layers.Conv2DTranspose(32, 6, 2, "same")(image))
    sizes = {}
    for precision in ("float32", "float16"):
        path = path_for(target, tmp_path, precision)
        report = td.export_portable(model, path, format=target, precision=precision)
        sizes[precision] = report.bytes
    assert sizes["float16"] < 0.75 * sizes["float32"]
    assert 0 < report.error < 1e-2


@every_format
def test_int8_upscaling_stays_close_to_float(tmp_path, target):
    """Slim in integers, calibrated with an array, is smaller; its accuracy is in the report."""
    path = path_for(target, tmp_path)
    model = td.zoo.load_upscaler(2)
    report = td.export_portable(model, path, format=target, precision="int8", calibration=pictures())
    assert 42 < report.psnr_db < 70
    assert report.precision == "int8"
    assert sum(count for name, count in report.operations.items() if "uant" in name.lower()) >= 2


def test_a_folder_of_pictures_calibrates(tmp_path):
    """Grey, coloured and transparent pictures of any size become what the model takes."""
    image = pytest.importorskip("PIL.Image")
    path = path_for("onnx", tmp_path)
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 4)):
        pixels = generator.integers(256, size=(20, 30 + channels, channels), dtype=np.uint8).squeeze()
        image.fromarray(pixels, mode).save(folder / f"{mode}.png")
    for model in (td.zoo.load_upscaler(2), td.zoo.RGBUpscaler(td.zoo.load_upscaler(2), 2)):
        report = td.export_portable(model, path, precision="int8", calibration=folder, tolerance=1.0)
        assert {shape[0][1:3] for shape in report.shapes} == {(20, 31), (20, 33), (20, 34)}


def test_pictures_smaller_than_the_model_are_refused(tmp_path):
    """The file is named."""
    image = pytest.importorskip("PIL.Image")
    path = path_for("onnx", tmp_path)
    folder = tmp_path / "pictures"
    folder.mkdir()
    image.new("L", (8, 8)).save(folder / "small.png")
    with pytest.raises(
        td.errors.InvalidArgumentError, match=r"at least 16x16, the model's size; .*small\.png"
    ):
        td.export_portable(
            td.zoo.load_upscaler(2), path, precision="int8", calibration=folder, input_shape=(16, 16, 1)
        )


def test_the_first_and_last_convolutions_stay_float():
    """With all that lies before and behind them; a branch between input and output stays float as well."""
    nodes = [
        Node("pad", ("x",), ("a",), False),
        Node("first", ("a",), ("b",), True),
        Node("act", ("b",), ("c",), False),
        Node("inner", ("c",), ("d",), True),
        Node("relu", ("d",), ("e",), False),
        Node("last", ("e",), ("f",), True),
        Node("branch", ("x",), ("g",), True),
        Node("sum", ("f", "g"), ("y",), False),
    ]
    assert integer_nodes(nodes) == {"inner"}
    assert integer_nodes(nodes[:3]) == {"pad", "first", "act"}


def test_ranges_leave_outliers_out():
    """One value in a hundred thousand does not set the range, and zero lies in it."""
    ranges = Ranges()
    for number in range(10):
        values = np.ones(10_000)
        values[number] = 1000.0 if number == 0 else 1.0
        ranges.add("x", values)
    assert ranges.of("x") == (0.0, 1.0)


def test_ranges_see_every_channel():
    """Channels lie a regular step apart in memory, and the values that are kept must not."""
    ranges = Ranges()
    image = np.zeros([1, 100, 100, 16])
    image[..., 7] = -0.25
    ranges.add("x", image)
    assert ranges.of("x")[0] == -0.25
