"""Files appear whole or not at all, and what a format cannot hold is told before any work."""

import errno
import os
import re

import numpy as np
import pytest
from imaging.pictures import camera_exif, pattern
from PIL import Image

from tfdeconv.errors import ImageError, InvalidArgumentError
from tfdeconv.imaging import Photograph, check_target, read_photograph, write_photograph
from tfdeconv.imaging.formats.atomic_file import atomic_file


def test_a_file_that_exists_is_not_replaced(tmp_path):
    """Unless told; then it is."""
    path = tmp_path / "a.png"
    write_photograph(Photograph(pattern(3)), path)
    with pytest.raises(ImageError, match=r"a\.png exists\. Choose another name, or pass overwrite=True"):
        write_photograph(Photograph(pattern(1)), path)
    assert read_photograph(path).pixels.shape[-1] == 3
    write_photograph(Photograph(pattern(1)), path, overwrite=True)
    assert read_photograph(path).pixels.shape[-1] == 1


@pytest.mark.parametrize("before", [None, b"the old picture"])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(tmp_path, before):
    """No half a file, no leftovers, and the old file is intact."""
    path = tmp_path / "a.png"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(KeyboardInterrupt), atomic_file(path, overwrite=True) as file:
        file.write(b"half of it")
        raise KeyboardInterrupt
    assert [child.read_bytes() for child in tmp_path.iterdir()] == ([] if before is None else [before])


def test_nothing_has_the_final_name_while_it_is_written(tmp_path):
    """A watcher of the folder never reads half a picture; the draft is hidden."""
    path = tmp_path / "a.png"
    with atomic_file(path) as file:
        file.write(b"half of it")
        assert not path.exists()
        assert all(child.name.startswith(".") for child in tmp_path.iterdir())
    assert path.read_bytes() == b"half of it"


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    """The name of the draft does not contain it."""
    path = tmp_path / ("a" * (os.pathconf(tmp_path, "PC_NAME_MAX") - 4) + ".png")
    write_photograph(Photograph(pattern(3)), path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_written_files_have_the_usual_permissions(tmp_path):
    """Those of any new file, not of a private temporary one."""
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_file(tmp_path / "a.png"):
        pass
    assert (tmp_path / "a.png").stat().st_mode == plain.stat().st_mode


def test_a_full_disk_is_told_in_words(tmp_path, monkeypatch):
    """The message names the file and the reason."""

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ImageError, match=r"a\.png cannot be written: No space left on device"):
        write_photograph(Photograph(pattern(3)), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a", "a.gif", "a.bmp", "png"])
def test_unknown_endings_are_refused(tmp_path, name):
    """The message lists those that are known."""
    with pytest.raises(ImageError, match=r"must end in one of \.png, \.jpg, .*\.tiff"):
        write_photograph(Photograph(pattern(3)), tmp_path / name)


@pytest.mark.parametrize("name", ["a.PNG", "a.Jpeg", "a.TIFF"])
def test_endings_may_be_written_in_capitals(tmp_path, name):
    """As cameras do."""
    write_photograph(Photograph(pattern(3)), tmp_path / name)
    assert read_photograph(tmp_path / name).pixels.shape == (9, 14, 3)


@pytest.mark.parametrize("channels", [2, 4])
def test_jpeg_refuses_alpha(tmp_path, channels):
    """Flattening onto some colour would lose it."""
    with pytest.raises(ImageError, match=r"a\.jpg cannot hold alpha .* Write PNG, WebP or TIFF"):
        write_photograph(Photograph(pattern(channels)), tmp_path / "a.jpg")


@pytest.mark.parametrize(("name", "limit"), [("a.jpg", 65_500), ("a.webp", 16_383)])
def test_sizes_beyond_a_format_are_refused_early(tmp_path, name, limit):
    """Before hours of upscaling; the limits are those of the encoders."""
    check_target(tmp_path / name, height=limit, width=1, alpha=False)
    with pytest.raises(ImageError, match=f"side ends at {limit}. Write PNG or TIFF"):
        check_target(tmp_path / name, height=limit + 1, width=1, alpha=False)
    Image.new("L", (1, limit)).save(tmp_path / name)
    with pytest.raises((OSError, ValueError)):
        Image.new("L", (1, limit + 1)).save(tmp_path / name)


def test_a_missing_folder_is_told(tmp_path):
    """It is not made: a typing error should not make folders."""
    with pytest.raises(ImageError, match=r"the folder .*none does not exist"):
        write_photograph(Photograph(pattern(3)), tmp_path / "none" / "a.png")


def test_a_folder_that_may_not_be_written_to_is_told_early(tmp_path, monkeypatch):
    """Before an hour of work, and also where even looking into the folder is forbidden."""
    path = tmp_path / "a.png"
    real = os.stat

    def stat(name, *arguments, **options):
        if name == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != tmp_path)
    with pytest.raises(ImageError, match=r"a\.png cannot be written: no permission to write to .*\."):
        check_target(path, height=1, width=1, alpha=False)


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_has_a_range(tmp_path, quality):
    """1 to 100, as libjpeg's."""
    with pytest.raises(InvalidArgumentError, match=f"quality must lie in 1 to 100; received {quality}"):
        write_photograph(Photograph(pattern(3)), tmp_path / "a.jpg", quality=quality)


def test_an_exif_block_that_jpeg_has_no_room_for_is_told(tmp_path):
    """A JPEG segment ends at 64 kB; the block is not dropped in silence."""
    exif = camera_exif()
    exif[0x010E] = "x" * 70_000
    photograph = Photograph(pattern(3), exif=exif.tobytes().removeprefix(b"Exif\x00\x00"))
    (note,) = write_photograph(photograph, tmp_path / "a.jpg")
    assert re.fullmatch(
        r"lacks what JPEG has no place for: EXIF of 7\d,\d\d\d bytes \(it ends at 65,527\)", note
    )
    assert read_photograph(tmp_path / "a.jpg").exif is None
    assert write_photograph(photograph, tmp_path / "a.png") == ()


def test_colour_is_stored_at_full_resolution_from_quality_90(tmp_path):
    """Red and blue lines one pixel wide survive at 90 and blur below."""
    lines = np.zeros((32, 32, 3), np.uint8)
    lines[:, ::2, 0], lines[:, 1::2, 2] = 255, 255
    spreads = []
    for quality in (89, 90):
        path = tmp_path / f"{quality}.jpg"
        write_photograph(Photograph(lines), path, quality=quality)
        spreads.append(int(read_photograph(path).pixels[..., 0].max()))
    assert spreads[0] < 200 < spreads[1]


def test_webp_keeps_colours_under_full_transparency(tmp_path):
    """An editor may show them again."""
    pixels = np.full((16, 16, 4), 200, np.uint8)
    pixels[..., 3] = 0
    path = tmp_path / "a.webp"
    write_photograph(Photograph(pixels), path, quality=100)
    assert np.abs(read_photograph(path).pixels[..., :3].astype(int) - 200).max() <= 4


@pytest.mark.parametrize("channels", [1, 2])
def test_webp_applies_a_profile_of_grey(tmp_path, grey_icc, channels):
    """WebP stores grey as colours, which such a profile cannot describe: the numbers become sRGB's."""
    pixels = np.full((16, 16, channels), 128, np.uint8)
    (note,) = write_photograph(Photograph(pixels, icc_profile=grey_icc), tmp_path / "a.webp", quality=100)
    assert note.startswith("is sRGB: the ICC profile is for grey")
    light = (128 / 255) ** 1.8
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    again = read_photograph(tmp_path / "a.webp")
    assert again.icc_profile is None
    assert np.abs(again.pixels[..., :3] - expected).max() <= 2


def test_a_webp_picture_with_alpha_that_would_take_gigabytes_is_refused_early(tmp_path):
    """Libwebp takes 34 bytes a pixel of them; without alpha there is no such limit."""
    check_target(tmp_path / "a.webp", height=10_000, width=10_000, alpha=False)
    check_target(tmp_path / "a.webp", height=5_000, width=5_000, alpha=True)
    with pytest.raises(ImageError, match=r"would need 3\.4 GB of memory: libwebp .* Write PNG or TIFF\."):
        check_target(tmp_path / "a.webp", height=10_000, width=10_000, alpha=True)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 5), (0, 4, 3)])
def test_arrays_that_are_no_photographs_are_refused(shape):
    """Three axes, one to four channels, at least one pixel."""
    with pytest.raises(ImageError, match=r"pixels must be \[height, width, channels\]"):
        Photograph(np.zeros(shape, np.uint8))


def test_types_that_files_cannot_hold_are_refused():
    """Eight or sixteen bits."""
    with pytest.raises(ImageError, match="pixels must be uint8 or uint16; received float32"):
        Photograph(np.zeros((4, 4, 3), np.float32))


@pytest.mark.parametrize("dpi", [(254_000.0, 254_000.0), (300.0, 0.2)])
def test_a_resolution_beyond_jpeg_s_numbers_is_told(tmp_path, dpi):
    """They have 16 bits; a microscope's pixels are 0.1 micrometres, which TIFF can say."""
    photograph = Photograph(pattern(3), dpi=dpi)
    told = write_photograph(photograph, tmp_path / "a.jpg")
    assert told == ("lacks what JPEG has no place for: the resolution",)
    assert read_photograph(tmp_path / "a.jpg").dpi is None
    assert write_photograph(photograph, tmp_path / "a.tif") == ()
    assert read_photograph(tmp_path / "a.tif").dpi == pytest.approx(dpi)
