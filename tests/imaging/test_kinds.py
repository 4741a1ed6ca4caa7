"""Kinds of files beyond PNG, JPEG and TIFF."""

import io
import struct
import sys

import imagecodecs
import numpy as np
import pytest
from imaging.pictures import camera_exif, pattern
from PIL import Image

from tfdeconv.errors import ImageError
from tfdeconv.imaging import read_photograph
from tfdeconv.imaging.formats.boxes import boxes

SMOOTH = (np.add.outer(np.arange(40), np.arange(64))[..., np.newaxis] * np.array([1, 1.5, 2])).astype(
    np.uint16
)


def ten_bit():
    return (SMOOTH * 5).astype(np.uint16)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "jp2", "avif"])
def test_kinds_that_pillow_reads_are_read_as_it_reads_them(tmp_path, suffix):
    """8 bits, in colour."""
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(SMOOTH.astype(np.uint8)).save(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_photograph(path).pixels, np.asarray(image.convert("RGB")))


def bmp(pixels, *, header=40, reserved=0) -> bytes:
    """A BMP file of 32 bits a pixel, its rows from the top."""
    height, width, _ = pixels.shape
    start = 14 + header
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if header > 40 else b""
    about = struct.pack("<IiiHHI", header, width, -height, 1, 32, 3 if masks else 0)
    data = pixels[..., [2, 1, 0, 3]].tobytes()
    file = struct.pack("<2sIII", b"BM", start + len(data), reserved, start)
    return file + (about + bytes(20) + masks).ljust(header, b"\0") + data


@pytest.mark.parametrize("options", [{}, {"reserved": 0x01020304}, {"header": 124}])
def test_bitmaps_of_32_bits(options):
    """A header with masks makes the fourth byte alpha; the reserved bytes hold what a program likes."""
    pixels = pattern(4)
    photograph = read_photograph(io.BytesIO(bmp(pixels, **options)))
    channels = 4 if "header" in options else 3
    np.testing.assert_array_equal(photograph.pixels, pixels[..., :channels])


def test_a_bitmap_is_not_wholly_transparent():
    """Programs that know no alpha leave its bytes at zero."""
    pixels = pattern(4)
    pixels[..., 3] = 0
    photograph = read_photograph(io.BytesIO(bmp(pixels, header=124)))
    np.testing.assert_array_equal(photograph.pixels, pixels[..., :3])
    assert photograph.notes == ("would be wholly transparent; its alpha channel of zeros is left out",)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_the_first_frame_is_taken_when_asked(tmp_path, suffix):
    """Never unasked; and it is told."""
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (10, 200)]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(ImageError, match=r"holds 2 pictures; .* or the first with first_frame=True"):
        read_photograph(path)
    photograph = read_photograph(path, first_frame=True)
    assert np.unique(photograph.pixels) == [10]
    assert photograph.notes == ("holds 2 pictures; the first is taken",)


def test_transparency_of_gif_becomes_alpha(tmp_path):
    """Of one colour of its palette."""
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).convert("P")
    image.save(tmp_path / "a.gif", transparency=5)
    pixels = read_photograph(tmp_path / "a.gif").pixels
    assert (pixels[..., -1] == 0).sum() == 1


@pytest.mark.parametrize("depth", [10, 12])
def test_deep_avif_becomes_sixteen_bits(tmp_path, depth):
    """White stays white."""
    path, most = tmp_path / "a.avif", (1 << depth) - 1
    pixels = ten_bit() << (depth - 10)
    path.write_bytes(imagecodecs.avif_encode(pixels, bitspersample=depth, level=100))
    np.testing.assert_array_equal(
        read_photograph(path).pixels, (pixels.astype(np.int64) * 65535 * 2 + most) // (2 * most)
    )


@pytest.mark.parametrize("depth", [12, 16])
def test_deep_jpeg_2000_keeps_its_bits(tmp_path, depth):
    """Pillow reduces it to 8."""
    pixels = np.random.default_rng(0).integers(0, 1 << depth, (40, 60, 3), np.uint16)
    path = tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(pixels, bitspersample=depth, codecformat="jp2"))
    most = (1 << depth) - 1
    expected = np.rint(pixels.astype(float) * 65535 / most)
    np.testing.assert_allclose(read_photograph(path).pixels, expected, atol=0.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_jpeg_xl_keeps_its_bits_and_its_profile(tmp_path, dtype):
    """With its package; an animation is refused, though Pillow's plugin does not tell of it."""
    pytest.importorskip("pillow_jxl")
    pixels = pattern(3, dtype, height=40, width=60)
    path = tmp_path / "a.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(pixels, photometric="rgb"))
    photograph = read_photograph(path)
    np.testing.assert_array_equal(photograph.pixels, pixels)
    assert photograph.icc_profile
    path.write_bytes(imagecodecs.jpegxl_encode(np.stack([pixels, pixels]), photometric="rgb"))
    with pytest.raises(ImageError, match="holds 2 pictures"):
        read_photograph(path)
    np.testing.assert_array_equal(read_photograph(path, first_frame=True).pixels, pixels)


@pytest.mark.parametrize("suffix", ["gif", "bmp", "avif", "jp2", "jxl", "heic"])
def test_files_of_every_kind_that_break_off_are_refused_in_one_line(tmp_path, suffix):
    """Never half a picture, nor advice for those who build a decoder."""
    path = tmp_path / f"a.{suffix}"
    if suffix == "jxl":
        pytest.importorskip("pillow_jxl")
        path.write_bytes(imagecodecs.jpegxl_encode(pattern(3, height=40, width=60)))
    elif suffix == "heic":
        heif = pytest.importorskip("pillow_heif")
        heif.from_pillow(Image.fromarray(SMOOTH.astype(np.uint8))).save(path)
    else:
        Image.fromarray(pattern(3, height=40, width=60)).save(path)
    whole = path.read_bytes()
    for part in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(ImageError, match=rf"a\.{suffix} ") as caught:
            read_photograph(path)
        assert "vendored" not in str(caught.value)
        assert len(str(caught.value).strip().splitlines()) == 1, caught.value


def test_heic_is_read_with_its_package(tmp_path):
    """8 and 10 bits; EXIF comes along, and its orientation is not applied twice."""
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    eight = SMOOTH.astype(np.uint8)
    file = heif.from_pillow(Image.fromarray(eight))
    file.save(path, quality=-1, chroma=444, exif=camera_exif(6).tobytes())
    photograph = read_photograph(path)
    assert photograph.pixels.shape == (64, 40, 3)
    assert np.abs(photograph.pixels.astype(int) - np.rot90(eight, -1)).max() <= 2
    assert b"Model 3" in photograph.exif
    deep = heif.from_bytes(mode="RGB;16", size=(64, 40), data=(ten_bit() << 6).tobytes())
    deep.save(path, quality=-1, chroma=444)
    expected = ten_bit().astype(float) * 65535 / 1023
    pixels = read_photograph(path).pixels
    assert pixels.dtype == np.uint16
    assert np.abs(pixels - expected).max() <= 3 * 64


@pytest.mark.parametrize(("suffix", "package"), [("heic", "pillow_heif"), ("jxl", "pillow_jxl")])
def test_a_package_that_is_missing_is_told_with_the_command(tmp_path, monkeypatch, suffix, package):
    """For each such file, so that the others of a folder are done."""
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" if suffix == "heic" else b"\xff\x0a" + bytes(60))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImageError, match=rf"a\.{suffix} is a .*: pip install 'tfdeconv\[formats\]'"):
        read_photograph(path)


def test_boxes_that_contradict_themselves_end():
    """No loop and no error, whatever a length says."""
    for data in (
        b"\0\0\0\1abcd",
        b"\0\0\0\4abcd",
        b"\xff\xff\xff\xffmeta",
        b"\0\0\0\1meta" + bytes(8),
        b"\0" * 50,
    ):
        assert list(boxes(data)) in ([], [(bytes(4), bytes(42))])
