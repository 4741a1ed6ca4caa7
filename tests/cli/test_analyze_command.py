"""`tfdeconv analyze`: the table, and the report."""

from __future__ import annotations

import base64
import io
import re

import keras
import pytest
from click.testing import CliRunner
from PIL import Image

import tfdeconv as td
from tfdeconv.cli.commands.analyze import command
from tfdeconv.errors import InvalidArgumentError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one model as .keras file and as SavedModel."""
    folder = tmp_path_factory.mktemp("analyze")
    image = keras.Input([8, 8, 2], name="image")
    x = keras.layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="learned>3x3")(image)
    x = td.layers.BilinearUpsampling2D(2, name="bilinear")(x)
    model = keras.Model(image, x)
    model.save(folder / "model.keras")
    plain = keras.Sequential([image, keras.layers.Conv2D(1, 3)])
    plain.save(folder / "plain.keras")
    td.export_saved_model(
        keras.Model(image, td.layers.Conv2DTranspose(3, 3, 2, name="up")(image)), folder / "saved"
    )
    (folder / "broken.keras").write_bytes(b"no zip")
    (folder / "broken").mkdir()
    (folder / "broken" / "saved_model.pb").write_bytes(b"no graph")
    pair = [keras.Input([8, 8, 1]), keras.Input([8, 8, 1])]
    keras.Model(pair, keras.layers.Add()(pair)).save(folder / "pair.keras")
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    keras.Model(image, keras.layers.Multiply()([x, mean])).save(folder / "mixing.keras")
    return folder


def run(*arguments):
    """The output of `tfdeconv analyze`."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_table_has_a_row_for_each_layer(folder):
    """Facts, score, cause and remedy of each layer, and the whole output."""
    text = run(folder / "model.keras", "--no-report")
    lines = text.splitlines()
    assert " ".join(lines[0].split()) == "layer kind kernel stride output multiplications score cause"
    assert re.match(
        r"learned>3x3 +Conv2DTranspose +3x3 +2x2 +16x16x3 +3,456 +0\.\d{3} +uneven overlap", lines[1]
    )
    assert lines[2].startswith("  remedy: ")
    assert re.match(r"bilinear .* 32x32x3 .* 0\.000 +none", lines[3])
    assert lines[-3].startswith("whole output: pattern energy")
    assert lines[-1] == "tiles exactly: yes, halo 1x1, stride 1x1 (samples of the input)"
    assert "wrote" not in text


def test_pattern_that_does_not_reach_the_output_is_told(tmp_path):
    """A layer whose pattern is multiplied by zero afterwards has its score, and the output its verdict."""
    image = keras.Input([8, 8, 1])
    x = td.layers.Conv2DTranspose(1, 3, 2, padding="same", kernel_initializer="ones")(image)
    x = keras.layers.Conv2D(1, 1, kernel_initializer="zeros", bias_initializer="ones")(x)
    keras.Model(image, x).save(tmp_path / "model.keras")
    lines = run(tmp_path / "model.keras", "--no-report").splitlines()
    assert lines[-3].endswith("keep their pattern out of the output")


def test_saved_models_are_analyzed(folder):
    """A SavedModel folder gives a table as well."""
    assert re.search(r"up_?\d* +Conv2DBackpropInput +3x3 +2x2", run(folder / "saved", "--no-report"))


def test_report_is_one_page_with_its_pictures(folder, tmp_path):
    """The page escapes names, holds each layer and its pictures, and fetches nothing."""
    path = tmp_path / "report.html"
    assert f"wrote {path}" in run(folder / "model.keras", "--report", path)
    page = path.read_text(encoding="utf-8")
    assert "learned&gt;3x3" in page
    assert "learned>3x3" not in page
    assert "ConvTranspose2d(2, 3, 3, stride=2)" in page
    assert "EqualPhaseSums(2)" in page
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 4  # scores; pattern and layout of the first layer; layout of the second
    for picture in pictures:
        assert min(Image.open(io.BytesIO(base64.b64decode(picture))).size) > 100
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_report_of_kernels_too_large_to_draw(tmp_path):
    """FCN's 64-tap kernel and a window that crops more than it leaves: the page does without the layout."""
    image = keras.Input([8, 8, 1])
    x = td.layers.Conv2DTranspose(1, 64, strides=32, padding=16)(image)
    x = td.layers.Conv2DTranspose(1, 5, strides=1, padding=2)(x)
    keras.Model(image, x).save(tmp_path / "model.keras")
    run(tmp_path / "model.keras", "--report", tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    assert page.count("Its last axis") == 2  # alt text and caption of the second layer


def test_report_is_named_after_the_model(folder, tmp_path, monkeypatch):
    """Without --report the page is written to the current folder."""
    monkeypatch.chdir(tmp_path)
    assert run(folder / "saved").strip().endswith("wrote saved-analysis.html")
    assert (tmp_path / "saved-analysis.html").is_file()


def test_models_without_upsampling_say_so(folder, tmp_path):
    """No layers, no table, and a page that says it."""
    path = tmp_path / "a.html"
    assert "no upsampling layers found" in run(folder / "plain.keras", "--report", path)
    assert "No upsampling layers" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "path must be a .keras file or a SavedModel folder; .* does not exist"),
        (
            ("broken.keras",),
            r"MODEL .*broken\.keras' cannot be loaded: it is not a zip archive",
        ),
        (("broken",), r"SavedModel '.*broken' cannot be loaded"),
        (
            ("model.keras", "--input-shape", "8x8"),
            r"input_shape must fit the model's input \(8, 8, 2\) without the batch; received \(8, 8\)",
        ),
        (("model.keras", "--input-shape", "8x8x3"), r"model's input \(8, 8, 2\).*received \(8, 8, 3\)"),
        (("pair.keras", "--input-shape", "8x8x1"), "input_shape must be None for a model with 2 inputs"),
        (("saved", "--input-shape", "8x8"), r"model's input \(8, 8, 2\).*received \(8, 8\)"),
        (("saved", "--input-shape", "9x8x2"), r"model's input \(8, 8, 2\).*received \(9, 8, 2\)"),
        (
            ("model.keras", "--input-shape", "8xbig"),
            "--input-shape must be sizes such as 64x64x3; received '8xbig'",
        ),
        (
            ("model.keras", "--report", "missing/a.html"),
            "--report missing/a.html: there is no folder",
        ),
    ],
)
def test_wrong_arguments_are_named(folder, arguments, message):
    """Errors name what is wrong with the model or the option."""
    with pytest.raises(InvalidArgumentError, match=message):
        run(folder / arguments[0], *arguments[1:])


def test_what_mixes_globally_has_no_exact_tiles(folder):
    """The last line names the layer."""
    last = run(folder / "mixing.keras", "--no-report").splitlines()[-1]
    assert last.startswith("tiles exactly: no, because layer squeeze (GlobalAveragePooling2D) pools over")


def test_a_saved_model_says_how_it_was_cut(folder, tmp_path):
    """Its tiles.json is read; without one the line says so, and a broken one is named."""
    assert (
        run(folder / "saved", "--no-report").splitlines()[-1].startswith("tiles exactly: not known; an exp")
    )
    image = keras.Input([None, None, 2], name="image")
    model = keras.Model(image, td.layers.Conv2DTranspose(3, 4, 2, "same", name="up")(image))
    path = td.export_saved_model(model, tmp_path / "cut", tile=64)
    halo = "x".join(map(str, td.tiled(model, tile=64).halo))
    last = run(tmp_path / "cut", "--no-report").splitlines()[-1]
    assert last == f"tiles exactly: yes, halo {halo}, stride 1x1 (samples of the input), up to 64x64 each"
    (path / "assets.extra" / "tiles.json").write_text("{}")
    last = run(tmp_path / "cut", "--no-report").splitlines()[-1]
    assert last.startswith("tiles exactly: not known, because ")
    assert "tiles.json cannot be read: tiles must be what export_saved_model" in last
