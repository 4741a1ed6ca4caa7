"""JPEG files of rarer sorts: cut, deep, with comments and segments that other programs write."""

import base64
import io
import struct

import imagecodecs
import numpy as np
import pytest
from imaging.pictures import pattern
from PIL import Image

from tfdeconv.errors import ImageError
from tfdeconv.imaging import read_photograph

SMOOTH = (np.add.outer(np.arange(40), np.arange(64))[..., np.newaxis] * np.array([1, 1.5, 2])).astype(
    np.uint16
)


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


CAMERA = jpeg(NOISE, quality=100)

# By libjpeg-turbo's cjpeg -arithmetic -progressive, which no library here writes.
ARITHMETIC = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1R"
    "V19iZ2hnPk1xeXBkeFxlZ2P/ygALCAAwAEABAREA/8wABAAQ/9oACAEBAAAAAdG8iHQvFG4ogpGA/8wABBAF/9oACAEBAAEF"
    "AtvTqFD/zAAEEAX/2gAIAQEABj8C4VRR+Tf/zAAEEAX/2gAIAQEAAT8hqadABQLI/9oACAEBAAAAEEvG/8wABBAF/9oACAEB"
    "AAE/EMAugALR/9k="
)


@pytest.mark.parametrize("encoded", [CAMERA, jpeg(NOISE, progressive=True), jpeg(SMOOTH.astype(np.uint8))])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_jpeg_of_which_a_part_was_copied_is_refused(tmp_path, encoded, part):
    """Room for the rest is reserved and holds zeros; or a program has put the end marker behind the part."""
    path = tmp_path / "a.jpg"
    copied = encoded[: max(int(len(encoded) * part), encoded.rindex(b"\xff\xda") + 20)]
    for rest in (bytes(len(encoded) - len(copied)) + bytes(64), b"\xff\xd9"):
        path.write_bytes(copied + rest)
        with pytest.raises(ImageError, match="cut off or damaged: pixels are missing"):
            read_photograph(path)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_whole_jpeg_of_one_colour_is_read(mode):
    """Its coded pixels may be zeros to the end."""
    file = io.BytesIO()
    Image.new(mode, (900, 700)).save(file, "JPEG", optimize=True)
    file.seek(0)
    assert read_photograph(file).notes == ()


def test_a_jpeg_of_arithmetic_coding_may_end_early():
    """Zeros at its end are not written (ITU-T T.81, D.1.8), so what follows would count."""
    photograph = read_photograph(io.BytesIO(base64.b64decode(ARITHMETIC)))
    assert photograph.pixels.shape == (48, 64, 1)
    assert photograph.notes == ()


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


def with_segments(*segments: tuple[int, bytes], behind: bytes = b"") -> io.BytesIO:
    """A JPEG with segments behind its first marker."""
    whole = jpeg(NOISE)
    added = b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content for marker, content in segments
    )
    return io.BytesIO(whole[:2] + added + whole[2:] + behind)


def test_every_comment_is_kept():
    """In the order of the file, each once, in either of the usual encodings."""
    comments = [(0xFE, text) for text in ("grün".encode(), b"caf\xe9\0", b"again", b"again", b"")]
    assert read_photograph(with_segments(*comments)).text == {"Comment": "grün\ncafé\nagain"}


def test_a_profile_in_several_segments_is_put_together_or_told(icc):
    """In the order that their numbers say; one that lacks a part is none."""
    profile = icc + bytes(100_000)
    parts = [profile[:60_000], profile[60_000:]]
    segments = [(0xE2, b"ICC_PROFILE\0" + bytes([n + 1, 2]) + part) for n, part in enumerate(parts)]
    assert read_photograph(with_segments(*reversed(segments))).icc_profile == profile
    photograph = read_photograph(with_segments(segments[0]))
    assert photograph.icc_profile is None
    assert photograph.notes == ("has an ICC profile of which parts are missing; it is left out",)


def test_segments_that_are_not_known_are_told():
    """By number and name, each kind once."""
    known = [(0xE0, b"JFXX\0\x10"), (0xE1, b"Exif\0\0"), (0xEC, b"Ducky\0"), (0xEE, b"Adobe" + bytes(7))]
    unknown = [(0xEB, b"JP\0\1jumb"), (0xEB, b"JP\0\1jumb"), (0xE2, b"urn:iso:std:iso:ts:21496:-1\0")]
    (note,) = read_photograph(with_segments(*known, *unknown)).notes
    assert note.endswith("known here and are left out: APP11 JP, APP2 urn:iso:std:iso:ts:21496:-1")


def test_what_stands_behind_the_picture_is_told():
    """A motion photo's video; zeros are padding."""
    assert read_photograph(with_segments(behind=bytes(5000))).notes == ()
    (note,) = read_photograph(with_segments(behind=b"\0\0\0\x18ftypmp42" + bytes(100))).notes
    assert note.startswith("goes on behind its picture for 9 bytes")


@pytest.mark.parametrize("sampling", ["444", "422", "420", "411", "440"])
def test_every_subsampling_of_colour_is_read(sampling):
    """As another decoder reads it."""
    data = imagecodecs.jpeg8_encode(pattern(3, height=37, width=50), subsampling=sampling, level=90)
    expected = imagecodecs.jpeg8_decode(data)
    difference = read_photograph(io.BytesIO(data)).pixels.astype(int) - expected
    assert np.abs(difference).max() <= 1
