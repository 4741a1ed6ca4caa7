"""``tfdeconv predict`` over folders: every picture as the SavedModel itself answers it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner, Result
from PIL import Image

from tfdeconv import errors
from tfdeconv.cli.commands.predict import command

PIXELS = tf.TensorSpec([None, None, None, 3], tf.float32, "image")


def classes(image: tf.Tensor) -> tf.Tensor:
    """Scores of six classes for each pixel."""
    return tf.concat([image, 1 - image], -1) * 5


class Segmenter(tf.Module):
    """What a fully convolutional network gives, in the forms in which models give it."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def encoded(self, image_bytes):
        image = tf.io.decode_image(image_bytes[0], channels=3, expand_animations=False)
        labels = tf.argmax(classes(tf.cast(image, tf.float32) / 255), -1)
        return {"label_map_bytes": tf.io.encode_png(tf.cast(labels, tf.uint8)[..., tf.newaxis])[tf.newaxis]}

    @tf.function(input_signature=[PIXELS])
    def decoded(self, image):
        scores = tf.nn.softmax(classes(image))
        return {
            "label_map": tf.cast(tf.argmax(scores, -1), tf.int32),  # [N, H, W]
            "mask": scores[..., :1],
            "probabilities": tf.cast(scores, tf.bfloat16),
            "class": tf.argmax(tf.reduce_mean(scores, [1, 2]), -1),
            "far": tf.cast(scores[..., :1] * 0, tf.int32) + 300,
        }

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8, "image")])
    def single(self, image):
        return {"negative": 255 - image}

    @tf.function(input_signature=[tf.TensorSpec([1, 6, 5, 3], tf.float32, "image")])
    def fixed(self, image):
        return {"same": image}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
    def vector(self, x):
        return {"y": x}

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "image_bytes")])
    def copy(self, image_bytes):
        return {"same": image_bytes}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of versions with the segmenter."""
    folder = tmp_path_factory.mktemp("segmenter")
    module = Segmenter()
    signatures = {"serving_default": module.decoded, "serve_image_bytes": module.encoded}
    signatures |= {name: getattr(module, name) for name in ("single", "fixed", "vector", "copy")}
    tf.saved_model.save(module, str(folder / "1"), signatures)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of several sizes and kinds in folders, two of them broken."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0)
    for name, size in {"a.png": (6, 5), "b.webp": (3, 3), "day one/ä/c.tif": (4, 7)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"lossless": True} if path.suffix == ".webp" else {}
        Image.fromarray(noise.integers(0, 256, (*size, 3), np.uint8)).save(path, **options)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    (folder / "day one" / "empty.jpg").touch()
    return folder


WHOLE = {"a": "a.png", "b": "b.webp", "day one/ä/c": "day one/ä/c.tif"}


def run(model: Path, photos: Path, *arguments: object, engine: str = "local") -> Result:
    line = [model, "--engine", engine, "--input", photos, *arguments]
    return CliRunner().invoke(command, [str(part) for part in line], catch_exceptions=False)


def answers(model: Path, photos: Path, signature: str) -> dict[str, dict[str, np.ndarray]]:
    """What TensorFlow makes of each whole picture."""
    function = tf.saved_model.load(str(model / "1")).signatures[signature]
    (name,) = function.structured_input_signature[1]
    found = {}
    for stem, file in WHOLE.items():
        pixels = np.asarray(Image.open(photos / file))
        value: Any = (pixels[np.newaxis] / np.float32(255)).astype(np.float32)
        if signature == "serve_image_bytes":
            value = tf.io.encode_png(pixels)[tf.newaxis]
        elif signature == "single":
            value = pixels
        found[stem] = {key: one.numpy() for key, one in function(**{name: tf.constant(value)}).items()}
    return found


def written(folder: Path, suffix: str) -> dict[str, np.ndarray]:
    read = np.load if suffix == ".npy" else lambda path: np.asarray(Image.open(path))
    return {
        str(path.relative_to(folder).with_suffix("")): read(path) for path in folder.rglob(f"[!.]*{suffix}")
    }


def reasons(folder: Path) -> dict[str, str]:
    lines = (folder / "failures.jsonl").read_text().splitlines()
    return {failure["path"]: failure["reason"] for failure in map(json.loads, lines)}


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_label_maps_of_a_folder(model, photos, tmp_path, engine, monkeypatch):
    """Names and folders are kept, broken pictures are reported, and a stopped run goes on."""
    if engine == "ray":
        pytest.importorskip("ray.data", reason="Ray is not installed")
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        monkeypatch.setenv("RAY_worker_niceness", "0")
    out = tmp_path / "labels"
    options = ["--output", f"label_map_bytes={out}", "--resume"]
    if engine == "ray":  # as a run that was stopped leaves it
        run(model, photos, *options)
        (out / "a.png").unlink()
        (out / f".{'0' * 16}.part.png").write_bytes(b"half")
        options += ["--workers", "1"]
    done = run(model, photos, *options, engine=engine)
    assert done.exit_code == 1
    wanted = {
        stem: tf.io.decode_png(one["label_map_bytes"][0]).numpy()[..., 0]
        for stem, one in answers(model, photos, "serve_image_bytes").items()
    }
    found = written(out, ".png")
    assert found.keys() == wanted.keys()
    for stem, labels in wanted.items():
        np.testing.assert_array_equal(found[stem], labels)
    told = reasons(out)
    assert told.keys() == {str(photos / "broken.png"), str(photos / "day one" / "empty.jpg")}
    assert "Invalid PNG" in told[str(photos / "broken.png")]
    there = 2 if engine == "ray" else 0
    assert done.stderr.count("tfdeconv: error: ") == 2
    assert f"{3 - there} of {5 - there} files done, 2 failed; see " in done.stderr
    assert ("2 of 5 files are there already." in done.stderr) == bool(there)
    assert list(out.rglob(".*")) == []


def test_several_outputs_as_arrays(model, photos, tmp_path):
    """Each in its own folder, as the model gives it; what NumPy does not know is widened."""
    names = ("label_map", "probabilities", "class")
    outputs = [part for name in names for part in ("--output", f"{name}={tmp_path / name}")]
    done = run(model, photos, "--signature", "serving_default", *outputs, "--format", "npy")
    assert done.exit_code == 1
    assert sorted(reasons(tmp_path / "label_map")) == sorted(
        str(photos / name) for name in ("broken.png", "day one/empty.jpg")
    )
    for stem, one in answers(model, photos, "serving_default").items():
        for name in names:
            wanted = one[name].astype(np.float32) if name == "probabilities" else one[name]
            np.testing.assert_array_equal(np.load(tmp_path / name / f"{stem}.npy"), wanted, strict=True)


def test_pictures_of_a_label_map_and_a_mask(model, photos, tmp_path):
    """Label maps need no axis for channels, be they as wide as RGB has channels; masks are grey."""
    outputs = ["--output", f"label_map={tmp_path / 'l'}", "--output", f"mask={tmp_path / 'm'}"]
    assert run(model, photos, "--signature", "serving_default", *outputs).exit_code == 1
    labels, masks = written(tmp_path / "l", ".png"), written(tmp_path / "m", ".png")
    for stem, one in answers(model, photos, "serving_default").items():
        np.testing.assert_array_equal(labels[stem], one["label_map"][0])
        np.testing.assert_array_equal(masks[stem], np.rint(one["mask"][0, ..., 0] * 255))


def test_a_signature_without_a_batch(model, photos, tmp_path):
    """Takes one picture, and its input may be named."""
    named = Path(f"image={photos}")
    done = run(model, named, "--signature", "single", "--output", tmp_path)
    assert done.exit_code == 1
    for stem, one in answers(model, photos, "single").items():
        np.testing.assert_array_equal(written(tmp_path, ".png")[stem], one["negative"])


def test_a_size_that_the_model_does_not_take(model, photos, tmp_path):
    """Fails alone."""
    assert run(model, photos, "--signature", "fixed", "--output", tmp_path).exit_code == 1
    assert list(written(tmp_path, ".png")) == ["a"]
    told = reasons(tmp_path)
    assert told[str(photos / "b.webp")] == (
        f"{photos / 'b.webp'} is 3x3, and the model takes float32 [1, 6, 5, 3]."
    )


@pytest.mark.parametrize(
    ("output", "signature", "reason"),
    [
        (
            "far",
            "serving_default",
            "Output 'far' has values from 300 to 300, and a PNG holds 0 to 255; ",
        ),
        ("same", "copy", "Output 'same' holds bytes that are no PNG"),
    ],
)
def test_what_a_png_would_not_keep(model, tmp_path, output, signature, reason):
    """Is a failure of the picture, and nothing is written."""
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.jpg")
    out = tmp_path / "out"
    done = run(
        model, tmp_path / "photo.jpg", "--signature", signature, "--output", f"{output}={out}", "--resume"
    )
    assert done.exit_code == 1
    assert reason in reasons(out)[str(tmp_path / "photo.jpg")]
    assert [path.name for path in out.rglob("*")] == ["failures.jsonl"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "{out}"], "Signature 'serving_default' is .*; name the folders"),
        (["--output", "nothing={out}"], "there is no output 'nothing'"),
        (["--output", "probabilities={out}"], r"'probabilities' is bfloat16 \[.*, 6\], which is no picture"),
        (
            ["--output", "class={out}"],
            r"'class' is int64 \[\?\], which is no picture; write it with --format npy",
        ),
        (["--output", "mask={out}", "--output", "label_map={out}"], "each output needs a folder of its own"),
        (["--output", "a={out}.png"], "must be a folder|there is no output 'a'"),
        (["--signature", "vector", "--output", "{out}"], "'vector' is .*; it must take one picture"),
        (["--signature", "none", "--output", "{out}"], "the model has copy, fixed, serve_image_bytes, "),
        (
            ["--signature", "serve_image_bytes", "--output", "{out}", "--format", "npy"],
            "'label_map_bytes' is string .*, which a .npy file cannot hold; write it with --format png",
        ),
        ([], "--output is missing: the folder to write into"),
    ],
)
def test_what_cannot_be_is_told_before_any_work(model, photos, tmp_path, options, message):
    """Once, not for each picture, and nothing is written."""
    filled = [part.format(out=tmp_path / "out") for part in options]
    if "--signature" not in filled:
        filled += ["--signature", "serving_default"]
    with pytest.raises(errors.InvalidArgumentError, match=message):
        run(model, photos, *filled)
    assert list(tmp_path.iterdir()) == []


def test_a_model_must_be_one(photos, tmp_path):
    """A URL, an empty folder, a broken file, a folder where a server is meant: each has its line."""
    broken = tmp_path / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"nonsense")
    out = ["--output", tmp_path / "out"]
    for model, error, message in [
        (tmp_path, errors.FileError, "holds no SavedModel"),
        (broken.parent, errors.TfdeconvError, r"Cannot read the SavedModel in .*broken/1: "),
    ]:
        with pytest.raises(error, match=message):
            run(model, photos, *out)
    line = ["s3://bucket/model", "--engine", "local", "--input", str(photos), *map(str, out)]
    with pytest.raises(errors.InvalidArgumentError, match="s3://bucket/model is a URL; --engine local"):
        CliRunner().invoke(command, line, catch_exceptions=False)
    with pytest.raises(errors.InvalidArgumentError, match="is a folder; a SavedModel goes with --engine"):
        CliRunner().invoke(command, [str(tmp_path), "--input", str(photos)], catch_exceptions=False)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such links")
def test_a_picture_that_is_not_there_any_more(model, tmp_path):
    """A broken link is a failure of its own."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("gone.png")
    out = tmp_path / "out"
    done = run(model, tmp_path, "--output", f"label_map_bytes={out}")
    assert done.exit_code == 1
    assert "No such file" in reasons(out)[str(tmp_path / "b.png")]
    assert list(written(out, ".png")) == ["a"]
