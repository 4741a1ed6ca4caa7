"""EXIF blocks go through unchanged but for orientation, thumbnail and size."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imaging.pictures import camera_exif, pattern
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.formats.metadata.exif import orientation_of, resized_exif, upright_exif


def block(exif):
    return exif.tobytes().removeprefix(b"Exif\x00\x00")


def hand_made(order, orientation=6, thumbnail=True):
    """A block as a camera lays it out: first directory, EXIF directory, maker note, thumbnail's directory."""

    def entry(tag, kind, count, value):
        packed = struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
        return struct.pack(f"{order}HHI", tag, kind, count) + packed

    first = 8 + 2 + 2 * 12 + 4
    exif_size = 2 + 3 * 12 + 4
    note = b"NOTE" + struct.pack(f"{order}I", 8)  # points to the block's first directory
    after_note = first + exif_size + len(note)
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}I", 8)
    directory = struct.pack(f"{order}H", 2) + entry(0x0112, 3, 1, orientation) + entry(0x8769, 4, 1, first)
    directory += struct.pack(f"{order}I", after_note if thumbnail else 0)
    exif = struct.pack(f"{order}H", 3) + entry(0x927C, 7, len(note), first + exif_size)
    exif += entry(0xA002, 3, 1, 14) + entry(0xA003, 3, 1, 9) + struct.pack(f"{order}I", 0)
    return head + directory + exif + note + struct.pack(f"{order}HI", 0, 0)


@pytest.mark.parametrize("order", "<>")
def test_nothing_but_the_orientation_and_the_thumbnail_changes(order):
    """Every byte stays, so whatever points into the block still points at the right place."""
    original = hand_made(order)
    changed = upright_exif(original)
    assert orientation_of(original) == 6
    assert orientation_of(changed) == 1
    expected = hand_made(order, orientation=1, thumbnail=False)
    assert changed == expected
    exif = Image.Exif()
    exif.load(changed)
    assert exif.get_ifd(1) == {}


@pytest.mark.parametrize("order", "<>")
def test_width_and_height_become_those_of_the_picture(order):
    """Also where they were stored in 16 bits and need more now."""
    changed = resized_exif(hand_made(order), width=70_000, height=45_000)
    assert len(changed) == len(hand_made(order))
    exif = Image.Exif()
    exif.load(changed)
    details = exif.get_ifd(0x8769)
    assert (details[0xA002], details[0xA003]) == (70_000, 45_000)
    assert details[0x927C].startswith(b"NOTE")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_block_goes_through_a_file_byte_for_byte(tmp_path, suffix):
    """Maker notes and all, once it is upright and of the right size."""
    original = resized_exif(upright_exif(hand_made(">")), width=14, height=9)
    path = tmp_path / f"a{suffix}"
    write_photograph(Photograph(pattern(3), exif=original), path)
    assert read_photograph(path).exif == original


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_text_that_is_not_ascii_survives(tmp_path, suffix, dtype):
    """Cameras and editors store names in UTF-8, whatever the standard says."""
    name = "José Müller 山田"
    exif = Image.Exif()
    exif[0x013B] = name.encode()
    exif[0x8769] = {0x9003: "2026:11:22 10:00:00"}
    path = tmp_path / f"a{suffix}"
    write_photograph(Photograph(pattern(3, dtype), exif=block(exif)), path)
    assert name.encode() in read_photograph(path).exif
    assert name.encode() in path.read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_broken_block_is_carried_along(tmp_path, suffix):
    """The pixels are fine, and what cannot be read here may be read elsewhere."""
    broken = b"II*\x00\xff\xff\xff\xff nonsense"
    path = tmp_path / f"a{suffix}"
    write_photograph(Photograph(pattern(3), exif=broken), path)
    assert read_photograph(path).exif == broken


@pytest.mark.parametrize(
    "damaged",
    [
        b"II*\x00\xff\xff\xff\xff nonsense",
        b"no directory at all",
        block(camera_exif(1))[:60],
        block(camera_exif(1))[:-30],
    ],
)
def test_tiff_files_get_what_can_be_read_of_a_broken_block(tmp_path, damaged):
    """TIFF keeps EXIF in directories of its own, so a block cannot go there as it is; the pixels can."""
    path = tmp_path / "a.tif"
    pixels = pattern(3)
    assert write_photograph(Photograph(pixels, exif=damaged), path) == ("lacks what is damaged of its EXIF",)
    np.testing.assert_array_equal(read_photograph(path).pixels, pixels)


def test_tiff_files_of_an_intact_block_lack_nothing(tmp_path):
    """Nothing is told of it."""
    photograph = Photograph(pattern(3), exif=block(camera_exif(1)))
    assert write_photograph(photograph, tmp_path / "a.tif") == ()


def test_old_png_files_of_image_magick_keep_theirs(tmp_path):
    """A text chunk with the block in hexadecimal digits, from before PNG had a chunk for it."""
    original = block(camera_exif(6))
    text = f"\nexif\n{len(original) + 6:8}\n" + (b"Exif\x00\x00" + original).hex()
    file = io.BytesIO()
    info = PngInfo()
    info.add_text("Raw profile type exif", text)
    Image.fromarray(pattern(3)).save(file, "PNG", pnginfo=info)
    path = tmp_path / "a.png"
    path.write_bytes(file.getvalue())
    photograph = read_photograph(path)
    assert photograph.pixels.shape == (14, 9, 3)
    assert photograph.exif == upright_exif(original)


@given(flips=st.lists(st.tuples(st.integers(0, 85), st.integers(0, 255)), max_size=6), cut=st.integers(0, 90))
def test_no_block_makes_the_patching_fail(flips, cut):
    """Broken or cut off: a block of the same length comes out."""
    data = bytearray(hand_made("<"))
    for at, value in flips:
        data[at % len(data)] = value
    data = bytes(data[:cut])
    assert 1 <= orientation_of(data) <= 8
    assert len(upright_exif(data)) == len(data)
    assert len(resized_exif(data, width=1, height=1)) == len(data)
