"""What is in files goes into larger files: pixels, metadata, kinds, pipes and URLs."""

import io
import itertools
import os
import re
import subprocess
import sys

import numpy as np
from cli.upscaling.pixels import PIXELS
from PIL import Image, ImageCms

import tfdeconv as td
from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.transfer import from_srgb_curve, to_srgb_curve


def test_a_file_becomes_a_larger_file(run, photo, tmp_path):
    """The pixels are those of td.zoo.upscale; one line tells what was done."""
    done = run(photo, "-o", "larger.tif")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("larger.tif: 40x24 RGB, 8 bit, ")
    assert done.out.endswith(" MP/s\n")
    np.testing.assert_array_equal(read_photograph(tmp_path / "larger.tif").pixels, td.zoo.upscale(PIXELS, 2))


def test_everything_in_a_file_survives(run, tmp_path):
    """16 bits, alpha, profile, EXIF, XMP, IPTC and resolution of a TIFF file, end to end."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0110] = "Model 3"
    exif[0x0112] = 6
    deep = np.random.default_rng(0).integers(0, 65536, (12, 20, 4), np.uint16)
    source = Photograph(deep, icc, exif.tobytes().removeprefix(b"Exif\0\0"), (300, 300), b"<x/>", b"records")
    write_photograph(source, tmp_path / "a.tif")
    assert run("a.tif", "-o", "b.tif").code == 0
    result = read_photograph(tmp_path / "b.tif")
    upright = read_photograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(result.pixels, td.zoo.upscale(upright.pixels, 2))
    assert result.pixels.shape == (40, 24, 4)
    assert result.pixels.dtype == np.uint16
    assert (result.icc_profile, result.xmp, result.iptc) == (icc, b"<x/>", b"records")
    assert result.dpi == (300, 300)
    kept = Image.Exif()
    kept.load(result.exif)
    assert (kept[0x0110], kept[0x0112]) == ("Model 3", 1)


def test_files_that_exist_are_kept_unless_told(run, photo, tmp_path):
    """The second time is an error; --overwrite makes it none."""
    assert run(photo, "-o", "out/").code == 0
    done = run(photo, "-o", "out/")
    assert done.code == 1
    assert done.err.startswith("tfdeconv: error: out/photo.png exists. ")
    assert "--overwrite" in done.err
    assert run(photo, "-o", "out/", "--overwrite", "--scale", "3").code == 0
    assert read_photograph(tmp_path / "out" / "photo.png").pixels.shape == (36, 60, 3)


def test_compare_writes_a_picture_beside(run, photo, tmp_path):
    """NAME-compare.png; with the same rule about existing files."""
    assert run(photo, "-o", "b.jpg", "--compare").code == 0
    assert read_photograph(tmp_path / "b-compare.png").pixels.shape[-1] == 3
    (tmp_path / "b.jpg").unlink()
    done = run(photo, "-o", "b.jpg", "--compare")
    assert done.code == 1
    assert "b-compare.png exists" in done.err
    assert not (tmp_path / "b.jpg").exists()


def test_the_quality_of_jpeg(run, photo, tmp_path):
    """A lower one makes a smaller file."""
    for quality in (20, 95):
        assert run(photo, "-o", f"{quality}.jpg", "--file-quality", quality).code == 0
    assert (tmp_path / "20.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size


def test_a_name_that_is_no_text_is_upscaled_and_told(run, tmp_path):
    """File names are bytes; output is UTF-8."""
    source = tmp_path / os.fsdecode(b"\xff.png")
    write_photograph(Photograph(PIXELS), source)
    done = run(source, "-o", "out")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("out/\N{REPLACEMENT CHARACTER}.png: 40x24 RGB, 8 bit, ")
    assert (tmp_path / "out" / source.name).exists()


def test_a_pipe_goes_in_and_out(photo, tmp_path):
    """In a process of its own; the picture alone is on standard output."""
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", "-", "-o", "-", "--fit", "80x80"]
    done = subprocess.run(command, input=photo.read_bytes(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith(b"-: 80x48 RGB, 8 bit, ")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("PNG", (80, 48))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_urls_are_read_and_written(run, photo, store):
    """A folder of an object store becomes another one, with its structure."""
    store.pipe("/album/day/a.png", photo.read_bytes())
    store.pipe("/album/b.tif", b"no picture")
    done = run("memory://album", "-o", "memory://larger")
    assert done.code == 1
    assert "b.tif is no picture" in done.err
    assert store.find("/larger") == ["/larger/day/a.png"]
    done = run("memory://album/day", "-o", "memory://larger/day", "--skip-existing")
    assert (done.code, done.out, done.err) == (0, "", "1 of 1 files are there already.\n")


def test_a_name_with_a_line_break_stays_in_its_line(run, photo, tmp_path):
    """In the line about it and in errors."""
    photo.rename(tmp_path / "two\nlines.png")
    (tmp_path / "bad\n\x1b[31m.png").write_bytes(b"no picture")
    done = run("two\nlines.png", "bad\n\x1b[31m.png", "-o", "out")
    assert done.out.startswith("out/two\\nlines.png: 40x24")
    assert done.out.count("\n") == 1
    assert done.err.startswith("tfdeconv: error: bad\\n\\x1b[31m.png is no picture;")
    assert (tmp_path / "out" / "two\nlines.png").exists()


def test_notes_are_told_once_for_each_file(run, photo, tmp_path):
    """What was left out of the input, and what the output has no place for."""
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "JPEG", comment=b"sea")
    (tmp_path / "a.jpg").write_bytes(data.getvalue()[:-2])
    done = run("a.jpg", "-o", "a.webp")
    assert done.code == 0
    assert done.err == (
        "tfdeconv: note: a.jpg lacks its end marker; every pixel is there.\n"
        "tfdeconv: note: a.webp lacks what WebP has no place for: comments (Comment).\n"
    )


def test_linear_numbers_are_enlarged_on_the_curve_that_networks_learned(run, tmp_path):
    """The same picture in linear numbers becomes the same picture, within a rounding of 8 bits."""
    ramp = np.repeat(np.linspace(20, 235, 24, dtype=np.uint8)[:, np.newaxis], 18, axis=1)
    coded = np.dstack([ramp, ramp[::-1], np.roll(ramp, 5, axis=0)])
    deep = coded.astype(np.uint16) * 257
    light = from_srgb_curve(deep, 1.0, np.uint16, has_alpha=False)
    linear = Photograph(light, colour={"gAMA": (100_000).to_bytes(4, "big")})
    write_photograph(linear, tmp_path / "linear.png")
    write_photograph(Photograph(deep), tmp_path / "coded.png")
    done = run("linear.png", "coded.png", "-o", "out")
    assert done.err == (
        "tfdeconv: note: linear.png holds linear numbers; they are enlarged on sRGB's curve and put back.\n"
    )
    again = read_photograph(tmp_path / "out" / "linear.png")
    assert again.colour == linear.colour
    seen = to_srgb_curve(again.pixels, 1.0, has_alpha=False)
    expected = read_photograph(tmp_path / "out" / "coded.png").pixels
    assert np.abs(seen.astype(int) - expected).max() <= 257


def test_kinds_that_are_only_read_become_png(run, photo, tmp_path):
    """Nothing is lost so; --format chooses another kind for all."""
    for name in ("b.gif", "c.bmp"):
        Image.fromarray(PIXELS).convert("P" if name == "b.gif" else "RGB").save(tmp_path / name)
    assert run(photo, "b.gif", "c.bmp", "-o", "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.png", "c.png", "photo.png"]
    assert run(photo, "c.bmp", "-o", "jpegs", "--format", "jpg").code == 0
    assert sorted(path.name for path in (tmp_path / "jpegs").iterdir()) == ["c.jpg", "photo.jpg"]
    with Image.open(tmp_path / "jpegs" / "c.jpg") as image:
        assert image.format == "JPEG"


def test_a_progress_bar_is_drawn_for_people(run, photo, monkeypatch):
    """On a terminal, with megapixels per second, even where a megapixel takes seconds."""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True)
    monkeypatch.setattr("tqdm.std.time", itertools.count(step=5.0).__next__)
    done = run(photo, "-o", "a.png", "--scale", "4", "--tile", "24")
    assert "photo.png" in done.err
    assert re.search(r"100% .* 0\.00MP/s", done.err)
    assert "s/MP" not in done.err
