"""Kinds of picture files on the page: what is made of them is what the command line makes."""

from __future__ import annotations

import io

import numpy as np
import png
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms
from upscaler_page import difference, done, photo, saved

from tfdeconv.cli.commands.upscale import command

PICTURE = photo(120, 90)


def written(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def rotated():
    tags = Image.Exif()
    tags[0x0112] = 6  # Orientation: turn by 90 degrees
    return written(PICTURE, "JPEG", quality=95, exif=tags)


def animated(kind):
    return written(PICTURE, kind, save_all=True, append_images=[PICTURE.rotate(180)], duration=90)


def sixteen_bits():
    """Levels between those of 8 bits."""
    noise = np.random.default_rng(0).integers(-120, 120, (90, 120, 3))
    levels = (np.asarray(PICTURE, np.int64) * 257 + noise).clip(0, 65535)
    content = io.BytesIO()
    png.Writer(120, 90, greyscale=False, bitdepth=16).write(content, levels.reshape(90, -1))
    return content.getvalue()


SAME = {
    "rotated.jpg": rotated(),
    "plain.jpg": written(PICTURE, "JPEG", quality=95),
    "press.jpg": written(PICTURE.convert("CMYK"), "JPEG", quality=95),
    "grey.png": written(PICTURE.convert("L"), "PNG"),
    "palette.png": written(PICTURE.quantize(64), "PNG"),
    "still.gif": written(PICTURE.quantize(64), "GIF"),
    "still.webp": written(PICTURE, "WEBP", lossless=True),
    "bitmap.bmp": written(PICTURE, "BMP"),
    "profile.png": written(
        PICTURE, "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
}


def choose(page, tmp_path, files):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    page.locator("#files").set_input_files([tmp_path / name for name in files])


def from_command_line(tmp_path, name, source):
    output = tmp_path / f"{name}.upscaled.png"
    result = CliRunner().invoke(command, [str(source), "-o", str(output), "--scale", "2"])
    assert result.exit_code == 0, result.output
    return Image.open(output)


def test_files_of_all_kinds(visit, tmp_path):
    """Orientation tags, inks, palettes, grey, WebP: within one level of the command line's output."""
    page = visit()
    choose(page, tmp_path, SAME)
    for name in SAME:
        done(page, name)
        _, result = saved(page, name)
        expected = from_command_line(tmp_path, name, tmp_path / name)
        assert difference(result, expected).max() <= 1, name


def test_sixteen_bits_are_said_to_be_reduced(visit, tmp_path):
    """A browser shows 8 of them, rounded in its own way; the result is near, and its row says so."""
    page = visit()
    choose(page, tmp_path, {"deep.png": sixteen_bits()})
    assert "in 8 of its 16 bits: `tfdeconv upscale` keeps them" in done(page, "deep.png").inner_text()
    _, result = saved(page, "deep.png")
    levels = np.array([list(row) for row in png.Reader(bytes=sixteen_bits()).asDirect()[2]])
    reduced = Image.fromarray((levels.reshape(90, 120, 3) / 257 + 0.5).astype(np.uint8))
    reduced.save(tmp_path / "reduced.png")
    assert difference(result, from_command_line(tmp_path, "reduced", tmp_path / "reduced.png")).max() <= 3


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animated_pictures_are_refused(visit, tmp_path, kind):
    """As on the command line: no frame is taken without a word."""
    page = visit()
    name = f"film.{kind.lower()}"
    choose(page, tmp_path, {name: animated(kind), "still.gif": SAME["still.gif"]})
    row = page.locator("li.failed", has_text=name)
    row.wait_for()
    assert f"'{name}' is animated, and one still picture at a time is worked on" in row.inner_text()
    done(page, "still.gif")
    assert CliRunner().invoke(command, [str(tmp_path / name), "-o", str(tmp_path / "o.png")]).exit_code == 1


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"\xff\xd8\xff"]
)
def test_files_that_end_too_soon(visit, tmp_path, content):
    """Empty files, and headers without a picture, are said to be none."""
    page = visit()
    choose(page, tmp_path, {"cut.bin": content})
    row = page.locator("li.failed", has_text="cut.bin")
    row.wait_for()
    assert "'cut.bin' is no picture that this browser can read" in row.inner_text()
