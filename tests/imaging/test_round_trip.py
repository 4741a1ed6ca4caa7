"""What is written can be read again, by this package and by others, with nothing lost."""

import io
import tracemalloc

import imagecodecs
import numpy as np
import pytest
from imaging.pictures import camera_exif, pattern
from PIL import Image

from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.formats.eight_bit import eight_bit
from tfdeconv.imaging.formats.tiff.writing import write_tiff

EVERY_KIND = [(channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)]


def block(exif):
    return exif.tobytes().removeprefix(b"Exif\x00\x00")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("channels", "dtype"), EVERY_KIND)
def test_lossless_formats_keep_every_sample_and_all_metadata(
    tmp_path, icc, grey_icc, suffix, channels, dtype
):
    """PNG and TIFF hold grey, alpha and both depths; profile, EXIF and resolution come along."""
    icc = grey_icc if channels <= 2 else icc
    photograph = Photograph(pattern(channels, dtype), icc, block(camera_exif()), (300.0, 150.0))
    path = tmp_path / f"picture{suffix}"
    write_photograph(photograph, path)
    again = read_photograph(path)
    np.testing.assert_array_equal(again.pixels, photograph.pixels)
    assert again.pixels.dtype == dtype
    assert again.icc_profile == icc
    assert again.dpi == pytest.approx((300, 150), abs=0.02)
    exif = Image.Exif()
    exif.load(again.exif)
    assert exif[0x010F] == "Maker"
    assert exif[0x8298] == "(c) Someone"
    assert exif.get_ifd(0x8769)[0x829A] == pytest.approx(1 / 250)
    assert exif.get_ifd(0x8769)[0x9003] == "2026:11:22 10:00:00"
    assert exif.get_ifd(0x8769)[0x927C] == b"maker's own note"
    assert exif.get_ifd(0xA005)[1] == "R98"
    assert exif.get_ifd(0x8825)[2] == pytest.approx((48, 8, 3))


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossy_formats_keep_the_metadata_and_nearly_the_picture(tmp_path, icc, suffix, dtype):
    """JPEG and WebP hold 8 bits, close to the original at quality 100."""
    smooth = np.add.outer(np.arange(40), np.arange(60))[..., None] * np.array([1, 1.5, 2]) / 2
    pixels = (smooth * (257 if dtype is np.uint16 else 1)).astype(dtype)
    photograph = Photograph(pixels, icc, block(camera_exif()))
    path = tmp_path / f"picture{suffix}"
    write_photograph(photograph, path, quality=100)
    again = read_photograph(path)
    assert again.pixels.dtype == np.uint8
    assert np.abs(again.pixels.astype(int) - smooth.astype(int)).max() <= 6
    assert again.icc_profile == icc
    exif = Image.Exif()
    exif.load(again.exif)
    assert exif[0x0110] == "Model 3"
    assert exif.get_ifd(0x8825)[1] == "N"


def test_jpeg_of_grey_is_grey(tmp_path):
    """A grey photograph is stored with one component."""
    path = tmp_path / "grey.jpg"
    write_photograph(Photograph(pattern(1)), path)
    with Image.open(path) as image:
        assert image.mode == "L"
    assert read_photograph(path).pixels.shape[-1] == 1


def test_a_lower_quality_makes_a_smaller_jpeg(tmp_path):
    """The quality option reaches the encoder."""
    sizes = []
    for quality in (30, 80, 98):
        path = tmp_path / f"{quality}.jpg"
        write_photograph(Photograph(pattern(3, height=64, width=64)), path, quality=quality)
        sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_deep_png_files_are_valid_for_another_decoder(tmp_path, icc, channels):
    """OpenCV, which checks every checksum, reads the same 16-bit samples."""
    cv2 = pytest.importorskip("cv2")
    photograph = Photograph(pattern(channels, np.uint16), icc, block(camera_exif()), (72.0, 72.0))
    path = tmp_path / "deep.png"
    write_photograph(photograph, path)
    decoded = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    expected = photograph.pixels
    if channels == 1:
        expected = expected[..., 0]
    elif channels == 2:  # OpenCV has no grey with alpha: blue, green, red and alpha
        expected = expected[..., [0, 0, 0, 1]]
    else:
        expected = expected[..., [2, 1, 0, 3][:channels]]
    np.testing.assert_array_equal(decoded, expected)


def test_pillow_reads_the_metadata_of_deep_png(tmp_path, icc):
    """The chunks beside the samples mean what they say to Pillow."""
    path = tmp_path / "deep.png"
    write_photograph(Photograph(pattern(3, np.uint16), icc, block(camera_exif()), (144.0, 72.0)), path)
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        assert image.info["icc_profile"] == icc
        assert image.info["dpi"] == pytest.approx((144, 72), abs=0.02)
        assert image.getexif()[0x0110] == "Model 3"


def test_width_and_height_in_exif_follow_the_picture(tmp_path):
    """PixelXDimension and PixelYDimension tell the size of the picture that is written."""
    path = tmp_path / "larger.jpg"
    photograph = Photograph(pattern(3), exif=block(camera_exif(size=(14, 9))))
    write_photograph(photograph.with_pixels(pattern(3, height=18, width=28)), path)
    with Image.open(path) as image:
        details = image.getexif().get_ifd(0x8769)
    assert (details[0xA002], details[0xA003]) == (28, 18)


def test_sixteen_bits_are_reduced_to_the_nearest_level(tmp_path):
    """65535 steps onto 255, rounded as real numbers are."""
    levels = np.arange(0, 65536, 37, dtype=np.uint16)
    pixels = np.repeat(levels[np.newaxis, :, np.newaxis], 3, axis=-1)
    expected = np.floor(pixels.astype(float) * 255 / 65535 + 0.5)
    np.testing.assert_array_equal(eight_bit(pixels), expected)


def test_sixteen_bits_become_eight_in_little_memory():
    """Beside the result there is no second picture; large scans are written as JPEG."""
    pixels = np.zeros((2000, 500, 3), np.uint16)
    tracemalloc.start()
    try:
        eight_bit(pixels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * pixels.nbytes / 2


def test_png_from_imagecodecs_is_read_as_it_is(tmp_path):
    """A 16-bit RGB file of another writer keeps its 16 bits."""
    pixels = pattern(3, np.uint16)
    path = tmp_path / "other.png"
    path.write_bytes(imagecodecs.png_encode(pixels))
    np.testing.assert_array_equal(read_photograph(path).pixels, pixels)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert np.asarray(image).dtype == np.uint8, "Pillow now reads 16-bit colour: drop imagecodecs"


def test_exif_of_big_tiff_is_kept(tmp_path):
    """Above 4 GB a TIFF file becomes a BigTIFF, whose directories have another layout."""
    path = tmp_path / "big.tif"
    photograph = Photograph(pattern(3, np.uint16), exif=block(camera_exif()))
    with path.open("x+b") as file:
        write_tiff(photograph, file, big=True)
    assert path.read_bytes()[2] == 43
    again = read_photograph(path)
    np.testing.assert_array_equal(again.pixels, photograph.pixels)
    exif = Image.Exif()
    exif.load(again.exif)
    assert exif.get_ifd(0x8769)[0x829A] == pytest.approx(1 / 250)
    assert exif.get_ifd(0x8825)[1] == "N"
