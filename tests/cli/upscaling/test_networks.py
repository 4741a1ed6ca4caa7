"""Which network enlarges: quality and source, weights, Keras files, servers."""

import keras
import numpy as np
import pytest
from cli.upscaling.pixels import PIXELS
from PIL import Image

import tfdeconv as td
from tfdeconv.cli.commands.upscale import command
from tfdeconv.imaging import read_photograph
from tfdeconv.zoo.pictures.upscaling import DEFAULT_TILE
from tfdeconv.zoo.upscalers.pretrained import save_weights


@pytest.mark.parametrize("scale", [3, 2.5])
def test_weights_of_a_training_run_are_used(run, photo, tmp_path, scale):
    """--weights makes the pixels of those weights, also for scales between; shipped ones make others."""
    model = td.zoo.Slim(3)
    model.get_layer("upsample").bias.assign([0.125])
    save_weights(model, tmp_path / "weights.npz")
    assert run(photo, "-o", "out.png", "--scale", scale, "--weights", "weights.npz").code == 0
    expected = td.zoo.upscale(PIXELS, scale, network=td.zoo.LocalNetwork(model, 3))
    np.testing.assert_array_equal(read_photograph(tmp_path / "out.png").pixels, expected)
    assert not np.array_equal(expected, td.zoo.upscale(PIXELS, scale))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "weights.npz"], "weights 'weights.npz' fit no network for scale 2"),
        (["--weights", "missing.npz"], "weights 'missing.npz' cannot be read"),
        (["--weights", "weights.npz", "--server", "grpc://x:1"], "--server has its own"),
    ],
)
def test_weights_that_cannot_be_used_are_told(run, photo, tmp_path, arguments, message):
    """Before any work, and without a traceback."""
    save_weights(td.zoo.Slim(3), tmp_path / "weights.npz")
    done = run(photo, "-o", "out.png", *arguments)
    assert done.code != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out.png").exists()


def save_jpeg(path, quality):
    Image.fromarray(PIXELS).save(path, "JPEG", quality=quality)
    return read_photograph(path).pixels


def test_jpeg_files_whose_compression_shows_are_repaired(run, tmp_path):
    """Decided for each file by its tables, told in its line, and with the pixels of source="jpeg"."""
    (tmp_path / "in").mkdir()
    pixels = {quality: save_jpeg(tmp_path / "in" / f"{quality}.jpg", quality) for quality in (40, 97)}
    done = run("in", "-o", "out", "--scale", 2)
    lines = dict(line.split(": ", 1) for line in done.out.splitlines())
    assert {name.removeprefix("out/"): "JPEG repaired" in line for name, line in lines.items()} == {
        "40.jpg": True,
        "97.jpg": False,
    }
    for source, quality in (("jpeg", 40), ("clean", 97)):
        run(f"in/{quality}.jpg", "-o", f"{quality}.png")
        expected = td.zoo.upscale(pixels[quality], 2, source=source)
        np.testing.assert_array_equal(read_photograph(tmp_path / f"{quality}.png").pixels, expected)


@pytest.mark.parametrize("quality", [40, 97])
@pytest.mark.parametrize("source", ["clean", "jpeg"])
def test_the_user_may_know_better_than_the_tables(run, tmp_path, quality, source):
    """A screenshot of a JPEG picture, say."""
    pixels = save_jpeg(tmp_path / "a.jpg", quality)
    assert run("a.jpg", "-o", "b.png", "--source", source).code == 0
    expected = td.zoo.upscale(pixels, 2, source=source)
    np.testing.assert_array_equal(read_photograph(tmp_path / "b.png").pixels, expected)


def test_repair_goes_as_far_as_any_upscaling(run, tmp_path):
    """The first of two passes repairs, up to 16 times."""
    save_jpeg(tmp_path / "a.jpg", 40)
    done = run("a.jpg", "-o", "b.png", "--scale", 16)
    assert done.code == 0
    assert "JPEG repaired" in done.out


def test_fine_makes_other_pixels(run, photo, tmp_path):
    """Those of td.zoo.upscale(quality="fine")."""
    assert run(photo, "-o", "a.png", "--quality", "fine").code == 0
    expected = td.zoo.upscale(PIXELS, 2, quality="fine")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png").pixels, expected)
    assert (expected != td.zoo.upscale(PIXELS, 2)).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--quality", "90"],
            "must be fast or fine; received 90. How well written files are kept is --file-quality 90.",
        ),
        (["--quality", "best"], "must be fast or fine; received best."),
        (
            ["--quality", "fine", "--source", "jpeg", "--scale", "17"],
            "scale must be above 1 and at most 16; received 17.",
        ),
        (["--quality", "fine", "--weights", "w.npz"], "come with tfdeconv; --weights is another one."),
        (["--source", "jpeg", "--server", "grpc://x:1"], "come with tfdeconv; --server is another one."),
    ],
)
def test_networks_that_there_are_not_are_refused(run, photo, tmp_path, options, message):
    """In words that lead on, and before anything is written."""
    done = run(photo, "-o", "a.png", *options)
    assert done.code != 0
    assert message in " ".join(done.err.split())
    assert not (tmp_path / "a.png").exists()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the x2 model."""
    base = tmp_path_factory.mktemp("models") / "upscaler"
    td.export_saved_model(td.zoo.RGBUpscaler(td.zoo.load_upscaler(2), 2), base)
    with td.serving.Server(model_base_path=base, model_name="upscaler") as running:
        yield running


@pytest.mark.parametrize("protocol", ["grpc_url", "rest_url"])
def test_a_server_writes_the_same_file(run, photo, tmp_path, server, protocol):
    """Byte for byte the file that is written without one."""
    assert run(photo, "-o", "here.png", "--tile", 40).code == 0
    done = run(photo, "-o", "there.png", "--tile", 40, "--server", getattr(server, protocol))
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()


def test_the_default_tile_is_that_of_the_function():
    """The command and the function give the same pixels."""
    (option,) = (parameter for parameter in command.params if parameter.name == "tile")
    assert option.default == DEFAULT_TILE


def test_a_server_that_has_no_such_model_ends_the_command(run, photo, server):
    """Not once for each file."""
    done = run(photo, "-o", "out", "--server", server.grpc_url, "--model", "other")
    assert done.code == 1
    assert "other" in done.err
    assert done.err.count("\n") == 1


def test_a_keras_file_of_another_enlarges(run, photo, tmp_path):
    """Any RGB upscaler, in tiles; a name without --server, and a model that is none, are refused."""
    image = keras.Input([None, None, 3])
    keras.Model(image, keras.layers.UpSampling2D(3)(image)).save(tmp_path / "triple.keras")
    done = run(photo, "-o", "larger.png", "--scale", 3, "--model", "triple.keras", "--tile", 8)
    assert done.code == 0, done.err
    expected = PIXELS.repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(read_photograph(tmp_path / "larger.png").pixels, expected)
    assert "is no .keras file. Give the path of one" in run(photo, "-o", "b.png", "--model", "triple").err
    keras.Model(image, keras.layers.ReLU()(image)).save(tmp_path / "same.keras")
    failed = run(photo, "-o", "c.png", "--model", "same.keras")
    assert (failed.code, "whole factor" in failed.err) == (2, True), failed
