"""Kinds of files beyond PNG, JPEG, WebP and TIFF, and JPEG and TIFF files of rarer sorts."""

import io
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
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


def test_ten_bits_of_avif_become_sixteen(tmp_path):
    """White stays white."""
    path = tmp_path / "a.avif"
    path.write_bytes(imagecodecs.avif_encode(ten_bit(), bitspersample=10, level=100))
    np.testing.assert_array_equal(
        read_photograph(path).pixels, (ten_bit().astype(np.int64) * 65535 * 2 + 1023) // (2 * 1023)
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


def jpeg(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


NOISE = np.random.default_rng(3).integers(0, 256, (40, 56, 3), np.uint8)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "subsampling": 2}])
def test_a_jpeg_that_lacks_only_its_end_is_read_and_told(tmp_path, options):
    """Every pixel is there; one that lacks any is refused, however little it is."""
    whole = jpeg(NOISE, quality=90, **options)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole)
    expected = read_photograph(path).pixels
    for cut in (1, 2):
        path.write_bytes(whole[:-cut])
        photograph = read_photograph(path)
        np.testing.assert_array_equal(photograph.pixels, expected)
        assert photograph.notes == ("lacks its end marker; every pixel is there",)
    for cut in (4, 6, 20, 200, len(whole) // 2):
        path.write_bytes(whole[:-cut])
        with pytest.raises(ImageError, match=r"a\.jpg is cut off or damaged"):
            read_photograph(path)


def test_a_progressive_jpeg_that_lacks_a_whole_scan_is_refused(tmp_path):
    """It shows all of the picture, but not all of its detail."""
    whole = jpeg(NOISE, progressive=True)
    last_scan = whole.rindex(b"\xff\xda")
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:last_scan])
    with pytest.raises(ImageError, match="cut off or damaged"):
        read_photograph(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_of_12_bits_keeps_them(tmp_path, channels):
    """Grey and colour; metadata comes along."""
    deep = np.squeeze(SMOOTH[..., :channels] * 20).astype(np.uint16)
    data = imagecodecs.jpeg8_encode(deep, bitspersample=12, level=100)
    comment = b"\xff\xfe\x00\x08secret"
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:2] + comment + data[2:])
    photograph = read_photograph(path)
    assert photograph.pixels.dtype == np.uint16
    assert photograph.pixels.shape[-1] == channels
    expected = deep.reshape(*deep.shape[:2], -1).astype(float) * 65535 / 4095
    assert np.abs(photograph.pixels - expected).max() <= 16 * 16
    assert photograph.text == {"Comment": "secret"}


@pytest.mark.parametrize(
    ("encode", "kind"),
    [(imagecodecs.ljpeg_encode, "lossless"), (imagecodecs.jpegls_encode, "JPEG-LS")],
)
def test_a_jpeg_of_a_kind_that_is_not_read_is_named(tmp_path, encode, kind):
    """Instead of being called no JPEG at all."""
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(NOISE[..., 0]))
    with pytest.raises(ImageError, match=rf"is a JPEG of a kind that is not read \({kind}\)"):
        read_photograph(path)


@pytest.mark.parametrize("compression", ["webp", "jpegxl", "zstd", "png", "jpeg2000", "lzma", "lerc"])
def test_tiff_with_other_formats_inside_is_read(tmp_path, capfd, compression):
    """Through the decoders of those, and without a word from a library."""
    path = tmp_path / "a.tif"
    options = {"compressionargs": {"level": 100, "lossless": True}} if compression == "webp" else {}
    tifffile.imwrite(path, NOISE, photometric="rgb", compression=compression, **options)
    np.testing.assert_array_equal(read_photograph(path).pixels, NOISE)
    assert capfd.readouterr() == ("", "")


def test_a_tiff_compression_that_cannot_be_decoded_is_named(tmp_path):
    """With its name, and not as a file that is no TIFF."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, NOISE, photometric="rgb", compression="jpegxl")
    data = path.read_bytes()
    at = data.index(b"\x03\x01\x03\x00")  # tag 259, SHORT
    path.write_bytes(data[: at + 8] + (34713).to_bytes(2, "little") + data[at + 10 :])
    with pytest.raises(ImageError, match=r"a\.tif is a TIFF with NIKON_NEF compression, which is not read"):
        read_photograph(path)


def test_a_raw_file_s_preview_is_not_taken_for_its_picture(tmp_path):
    """Cameras' raw files begin as TIFF with a small preview."""
    path = tmp_path / "a.dng"
    tifffile.imwrite(path, NOISE, photometric="rgb", subfiletype=1)
    with pytest.raises(ImageError, match="holds a preview"):
        read_photograph(path)


def test_a_tiff_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    """Deep ones, too, which Pillow does not open."""
    tifffile.imwrite(tmp_path / "a.tif", NOISE.astype(np.uint16), photometric="rgb")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(ImageError, match="has more than 120 pixels"):
        read_photograph(tmp_path / "a.tif")


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
