"""The demo end to end as a user runs it, and what it says when something is wrong."""

import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdeconv import cli
from tfdeconv.cli.commands import demo
from tfdeconv.errors import InternalError
from tfdeconv.imaging import Photograph, write_photograph


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "tfdeconv.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", cwd=folder)


def test_the_demo_succeeds_and_says_what_it_did(demonstrated):
    """Exit code 0, a row for each way with its payloads and latency, and nothing on standard error."""
    _, result = demonstrated
    assert (result.returncode, result.stderr) == (0, "")
    for way in ("gRPC, float tensor", "REST, float tensor", "REST, PNG bytes"):
        assert re.search(rf"^{way} +[\d,]+ KiB +[\d,]+ KiB +[\d.]+ ms +0\.\d\d / 255$", result.stdout, re.M)


def test_the_trained_model_beats_bicubic(demonstrated):
    """The printed luma PSNR is higher than bicubic's on the same photograph."""
    quality, bicubic = re.search(
        r"^Quality +([\d.]+) dB .* bicubic ([\d.]+) dB$", demonstrated[1].stdout, re.M
    ).groups()
    assert float(quality) > float(bicubic) + 1


def test_the_demo_leaves_pictures_and_model(demonstrated):
    """build/demo holds the input, the result at twice the size, the comparison, and a loadable SavedModel."""
    folder, _ = demonstrated
    output = folder / "build" / "demo"
    pictures = {path.stem: read(path) for path in output.glob("*.png")}
    assert set(pictures) == {"input", "upscaled", "comparison"}
    assert pictures["upscaled"].shape == (*(2 * n for n in pictures["input"].shape[:2]), 3)
    served = tf.saved_model.load(str(output / "models" / "upscaler" / "1")).signatures["serving_default"]
    answer = served(image=tf.constant(pictures["input"][None] / np.float32(255)))["upscaled"][0].numpy()
    np.testing.assert_array_equal(np.floor(answer * 255 + 0.5), pictures["upscaled"])


def test_the_photograph_is_upscaled_without_shift_or_colour_change(demonstrated):
    """Averaging 2x2 pixels of the result gives the input back, better than with a shift by one pixel."""
    output = demonstrated[0] / "build" / "demo"
    small, big = (read(output / name).astype(float) for name in ("input.png", "upscaled.png"))
    inner = (slice(4, -4), slice(4, -4))

    def error(rows, columns):
        shifted = np.roll(big, (rows, columns), axis=(0, 1))
        averaged = shifted.reshape(small.shape[0], 2, small.shape[1], 2, 3).mean(axis=(1, 3))
        return averaged[inner] - small[inner]

    still = np.abs(error(0, 0)).mean()
    assert all(np.abs(error(*shift)).mean() > 1.5 * still for shift in [(0, 1), (1, 0), (0, -1), (-1, 0)])
    assert np.abs(error(0, 0).mean(axis=(0, 1))).max() < 0.5


def test_any_size_of_photograph_works(tmp_path):
    """Odd sizes are cropped to even ones; the smallest picture is 2 x 2."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (3, 5, 3), np.uint8)).save(
        tmp_path / "tiny.png"
    )
    result = run("demo", "--image", "tiny.png", "--output", "out", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    with Image.open(tmp_path / "out" / "upscaled.png") as upscaled:
        assert upscaled.size == (4, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--image photo.png does not exist."),
        (b"no picture", "--image photo.png is no picture;"),
        (demo.PHOTO.read_bytes()[:20_000], "--image photo.png is cut off or damaged"),
        ("1x1", "--image must be at least 2 pixels wide and high; received 1 x 1"),
    ],
)
def test_bad_photographs_get_one_clear_line(tmp_path, content, message):
    """A missing, foreign, truncated or too small file: exit code 1 and one line, no traceback."""
    path = tmp_path / "photo.png"
    if content == "1x1":
        Image.new("RGB", (1, 1)).save(path)
    elif content is not None:
        path.write_bytes(content)
    result = run("demo", "--image", "photo.png", cwd=tmp_path)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("tfdeconv: error: ")
    assert message in line


def test_an_unwritable_output_folder_gets_one_clear_line(tmp_path):
    """The path and the system's reason are named."""
    result = run("demo", "--output", "/proc/demo", cwd=tmp_path)
    assert result.returncode == 1
    assert re.fullmatch(r"tfdeconv: error: base_path '/proc/demo/.*' cannot be written: .*\n", result.stderr)


def test_any_photograph_is_shown_as_viewers_show_it(tmp_path, monkeypatch, capsys):
    """Upright, transparent areas on white, 16 bits as 8; the answers agree for it, too."""
    pixels = np.full((6, 8, 4), 65535, np.uint16)
    pixels[:3, :, :3] = 20_000
    pixels[:, :4, 3] = 0
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    write_photograph(Photograph(pixels, exif=block), tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["tfdeconv", "demo", "--image", "photo.png", "--output", "out"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    assert (end.value.code, err) == (0, "")
    assert "Pictures    out/: input.png, upscaled.png, comparison.png" in out
    upscaled = read(tmp_path / "out" / "upscaled.png")
    assert upscaled.shape == (8, 6, 3)
    assert upscaled[:3].min() > 240  # what was transparent
    assert abs(int(upscaled[-1, -1, 0]) - 20_000 // 257) <= 8


def test_answers_that_differ_fail_the_demo():
    """The comparison can fail: a picture that is off by more than one level is refused."""
    expected = np.zeros((2, 2, 3), np.float32)
    wrong = demo._Answer("REST", expected + 1.5 / 255, 0, 0, 0.0)
    with pytest.raises(InternalError, match=r"differ by 1\.50 / 255; at most 1 is right"):
        demo._compare([wrong], expected)
    shape = demo._Answer("REST", expected[:1], 0, 0, 0.0)
    with pytest.raises(InternalError, match=r"shape \(1, 2, 3\) instead of \(2, 2, 3\)"):
        demo._compare([shape], expected)


def test_the_demo_photograph_is_a_real_one():
    """The packaged photograph is a colour JPEG of useful size."""
    with Image.open(demo.PHOTO) as photo:
        assert (photo.format, photo.mode) == ("JPEG", "RGB")
        assert min(photo.size) >= 256
