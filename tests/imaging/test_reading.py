"""Photographs of every mode and orientation are read as viewers show them."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from imaging.pictures import camera_exif, pattern
from PIL import Image, ImageCms, ImageOps

from tfdeconv.errors import ImageError
from tfdeconv.imaging import read_photograph


def saved(path, image, **options):
    image.save(path, **options)
    return path


def shown(image):
    """What Pillow shows: upright RGBA."""
    return np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))


def as_rgba(pixels):
    alpha = pixels[..., -1:] if pixels.shape[-1] in (2, 4) else np.full((*pixels.shape[:2], 1), 255, np.uint8)
    colour = pixels[..., :-1] if pixels.shape[-1] in (2, 4) else pixels
    return np.concatenate([np.broadcast_to(colour, (*colour.shape[:2], 3)), alpha], axis=-1)


MODES = [
    ("1", "png", 1),
    ("1", "tif", 1),
    ("L", "png", 1),
    ("L", "jpg", 1),
    ("L", "tif", 1),
    ("LA", "png", 2),
    ("LA", "tif", 2),
    ("P", "png", 3),
    ("P", "tif", 3),
    ("RGB", "png", 3),
    ("RGB", "jpg", 3),
    ("RGB", "tif", 3),
    ("RGB", "webp", 3),
    ("RGBA", "png", 4),
    ("RGBA", "tif", 4),
    ("RGBA", "webp", 4),
    ("YCbCr", "tif", 3),
]


@pytest.mark.parametrize(("mode", "suffix", "channels"), MODES)
def test_modes_become_grey_or_colour_with_or_without_alpha(tmp_path, mode, suffix, channels):
    """The same pixels that Pillow shows, in as few channels as hold them."""
    source = Image.fromarray(pattern(4 if mode.endswith("A") else 3)).convert(mode)
    path = saved(tmp_path / f"a.{suffix}", source, **({"lossless": True} if suffix == "webp" else {}))
    photograph = read_photograph(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(as_rgba(photograph.pixels), shown(image))
    assert photograph.pixels.shape[-1] == channels
    assert photograph.pixels.dtype == np.uint8


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "lzw.tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_the_pixels_and_marked_as_done(tmp_path, suffix, orientation):
    """All eight orientations, as Pillow's exif_transpose turns them."""
    options = {
        "webp": {"lossless": True},
        "jpg": {"quality": 100, "subsampling": 0},
        "lzw.tif": {"compression": "tiff_lzw"},  # decoded by libtiff, the plain one by Pillow itself
    }.get(suffix, {})
    exif = camera_exif(orientation)
    if suffix == "lzw.tif":  # Pillow hands the tags to libtiff, which takes no directories
        del exif[0x8769], exif[0x8825]
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(pattern(3)), exif=exif.tobytes(), **options)
    photograph = read_photograph(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(as_rgba(photograph.pixels), shown(image))
    exif = Image.Exif()
    exif.load(photograph.exif)
    assert exif[0x0112] == 1
    assert exif[0x010F] == "Maker"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_deep_files_is_applied_too(tmp_path, orientation):
    """16-bit PNG and TIFF take another way than Pillow's, to the same result."""
    pixels = pattern(3, np.uint16)
    expected = ImageOps.exif_transpose(with_orientation(Image.fromarray(pixels[..., 1]), orientation))
    png, tif = tmp_path / "a.png", tmp_path / "a.tif"
    encoded = imagecodecs.png_encode(pixels)
    exif = camera_exif(orientation).tobytes().removeprefix(b"Exif\x00\x00")
    png.write_bytes(encoded[:33] + chunk(b"eXIf", exif) + encoded[33:])
    tifffile.imwrite(tif, pixels, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    for path in (png, tif):
        np.testing.assert_array_equal(read_photograph(path).pixels[..., 1], np.asarray(expected))


def with_orientation(image, orientation):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(file, "TIFF", exif=exif)
    return Image.open(file)


def chunk(name, content):
    import struct
    import zlib

    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def test_resolution_turns_with_the_picture(tmp_path):
    """Pixels per inch of a picture that lies on its side change places."""
    image = Image.fromarray(pattern(3))
    path = saved(tmp_path / "a.jpg", image, dpi=(300, 150), exif=camera_exif(6))
    assert read_photograph(path).dpi == (150, 300)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_nonsensical_orientations_are_upright(tmp_path, orientation):
    """As viewers do."""
    path = saved(tmp_path / "a.png", Image.fromarray(pattern(3)), exif=camera_exif(orientation))
    np.testing.assert_array_equal(read_photograph(path).pixels, pattern(3))


@pytest.mark.parametrize(("mode", "key", "channels"), [("L", 7, 2), ("RGB", (7, 7, 7), 4), ("P", 7, 4)])
def test_a_transparent_colour_becomes_an_alpha_channel(tmp_path, mode, key, channels):
    """PNG's tRNS chunk for grey, colour and palettes."""
    pixels = pattern(3)
    pixels[2:5, 3:8] = 7
    path = saved(tmp_path / "a.png", Image.fromarray(pixels).convert(mode), transparency=key)
    photograph = read_photograph(path)
    assert photograph.pixels.shape[-1] == channels
    with Image.open(path) as image:
        np.testing.assert_array_equal(as_rgba(photograph.pixels), shown(image))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_of_16_bits_becomes_an_alpha_channel(tmp_path, channels):
    """All 16 bits must agree."""
    pixels = pattern(channels, np.uint16)
    pixels[1, 1], pixels[2, 2] = 1000, 1001
    encoded = imagecodecs.png_encode(np.squeeze(pixels))
    path = tmp_path / "a.png"
    path.write_bytes(encoded[:33] + chunk(b"tRNS", b"\x03\xe8" * channels) + encoded[33:])
    result = read_photograph(path).pixels
    np.testing.assert_array_equal(result[..., :-1], pixels)
    assert result[1, 1, -1] == 0
    assert (result[..., -1] == 65535).sum() == result[..., -1].size - 1


def test_a_palette_of_greys_is_grey(tmp_path):
    """Scans are often stored so; grey stays grey."""
    grey = pattern(1)[..., 0] // 4 * 4
    image = Image.fromarray(grey).convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
    np.testing.assert_array_equal(
        read_photograph(saved(tmp_path / "a.png", image)).pixels[..., 0], np.asarray(image.convert("L"))
    )


def test_cmyk_becomes_rgb(tmp_path):
    """Without a profile as Pillow converts it; the result carries no CMYK profile."""
    image = Image.fromarray(pattern(4), "CMYK")
    photograph = read_photograph(saved(tmp_path / "a.tif", image))
    np.testing.assert_array_equal(photograph.pixels, np.asarray(image.convert("RGB")))
    assert photograph.icc_profile is None


def test_a_profile_that_does_not_fit_is_left_out_and_told(tmp_path, icc, grey_icc):
    """In every format and for every number of colours: it cannot say what the numbers mean."""
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    cases = [
        ("CMYK", icc, "RGB", "its CMYK pixels", ("jpg", "tif")),
        ("RGB", xyz, "XYZ", "its pixels", ("png", "jpg", "tif", "webp")),
        ("RGB", grey_icc, "grey", "its pixels", ("png", "jpg", "tif", "webp")),
        ("L", icc, "RGB", "its pixels", ("png", "jpg", "tif")),
        ("RGB", b"no profile", "nothing that is known", "its pixels", ("png", "jpg", "tif", "webp")),
    ]
    for mode, profile, is_for, pixels, suffixes in cases:
        image = (
            Image.fromarray(pattern(4), "CMYK")
            if mode == "CMYK"
            else Image.fromarray(pattern(3)).convert(mode)
        )
        for suffix in suffixes:
            photograph = read_photograph(saved(tmp_path / f"a.{suffix}", image, icc_profile=profile))
            assert photograph.icc_profile is None, (mode, suffix)
            assert photograph.notes == (
                f"has an ICC profile for {is_for}, which does not fit {pixels}; it is left out",
            )


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_profile_that_fits_is_kept_byte_for_byte(tmp_path, icc, grey_icc, suffix):
    """Colour and grey; WebP has no grey."""
    for mode, profile in (("RGB", icc), ("L", grey_icc)):
        if (mode, suffix) != ("L", "webp"):
            image = Image.fromarray(pattern(3)).convert(mode)
            photograph = read_photograph(saved(tmp_path / f"a.{suffix}", image, icc_profile=profile))
            assert (photograph.icc_profile, photograph.notes) == (profile, ())


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "lzw", "adobe_deflate"])
def test_deep_tiff_of_other_writers_is_read(tmp_path, byteorder, planarconfig, compression):
    """Byte orders, planes and compressions that scanners and editors write."""
    pixels = pattern(4, np.uint16)
    data = np.moveaxis(pixels, -1, 0) if planarconfig == "separate" else pixels
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        data,
        photometric="rgb",
        planarconfig=planarconfig,
        extrasamples=["unassalpha"],
        compression=compression,
        byteorder=byteorder,
    )
    np.testing.assert_array_equal(read_photograph(path).pixels, pixels)


def test_premultiplied_alpha_of_deep_tiff_is_divided_out(tmp_path):
    """Photographs here hold colours that are not multiplied by alpha."""
    alpha = np.array([[[65535], [32768], [0]]], np.uint16)
    colour = np.array([[[60000, 40000, 20000]] * 3])
    data = np.concatenate([colour * alpha.astype(np.int64) // 65535, alpha], axis=-1).astype(np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, photometric="rgb", extrasamples=["assocalpha"])
    result = read_photograph(path).pixels
    np.testing.assert_allclose(result[0, :2, :3], colour[0, :2], atol=2)
    np.testing.assert_array_equal(result[..., 3:], alpha)


def test_deep_tiff_where_white_is_zero_is_inverted(tmp_path):
    """PhotometricInterpretation 0."""
    pixels = pattern(1, np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_photograph(path).pixels, 65535 - pixels)


def test_the_first_picture_of_a_camera_s_multi_picture_jpeg_is_read(tmp_path):
    """MPO files hold previews behind the photograph."""
    first, preview = Image.fromarray(pattern(3)), Image.fromarray(pattern(3)[:4, :4])
    path = tmp_path / "a.jpg"
    first.save(path, "MPO", save_all=True, append_images=[preview], quality=100)
    assert read_photograph(path).pixels.shape == (9, 14, 3)


def two_pages(path, suffix):
    frames = [Image.fromarray(pattern(3)), Image.fromarray(255 - pattern(3))]
    if suffix == "deep.tif":
        tifffile.imwrite(path, np.stack([pattern(3, np.uint16)] * 2), photometric="rgb")
    else:
        frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("suffix", ["tif", "deep.tif", "webp", "png"])
def test_files_with_several_pictures_are_refused(tmp_path, suffix):
    """Reading one and dropping the others would lose them."""
    path = tmp_path / f"a.{suffix}"
    two_pages(path, suffix)
    with pytest.raises(ImageError, match="holds 2 pictures; only files with one are read"):
        read_photograph(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "deep.png", "deep.tif"])
def test_files_that_break_off_are_refused(tmp_path, name):
    """At every length: an error of ours that names the file, never a picture with a hole."""
    path = tmp_path / name
    if name.startswith("deep"):
        encoded = imagecodecs.png_encode(pattern(3, np.uint16))
        if name.endswith("tif"):
            tifffile.imwrite(path, pattern(3, np.uint16), photometric="rgb", compression="lzw")
            encoded = path.read_bytes()
    else:
        Image.fromarray(pattern(3)).save(path)
        encoded = path.read_bytes()
    for length in range(0, len(encoded) // 2, max(1, len(encoded) // 40)):
        path.write_bytes(encoded[:length])
        with pytest.raises(ImageError, match=name):
            read_photograph(path)


@pytest.mark.parametrize("content", [b"II*\0" + b"hello" * 50, b"MM\0*\0\0\0\x08"])
def test_a_tiff_without_a_picture_is_told_in_words(tmp_path, content):
    """Such as the first half of a file whose directory lies at its end."""
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.tif is cut off or damaged: it holds no picture\."):
        read_photograph(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"no picture", "is no picture"),
        (b"", "is empty"),
        (b"8BPS and so on", "is a Photoshop document"),
        (b"<!DOCTYPE html><title>404", "is a web page"),
        (b"P6\n1 1\n255\nabc", "is a Netpbm picture"),
        (b"version https://git-lfs.github.com/spec/v1", "is a pointer of Git LFS to a file that is not here"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "is a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "is a camera's raw file"),
        (b"BMW is no bitmap", "is no picture"),
    ],
)
def test_other_files_are_refused(tmp_path, content, what):
    """By their content; the name means nothing."""
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"a\.png {what}; PNG, JPEG, .*JPEG XL files are read\."):
        read_photograph(path)


def test_missing_files_and_folders_are_told(tmp_path):
    """In words, not in errno."""
    with pytest.raises(ImageError, match=r"none\.png does not exist"):
        read_photograph(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder, not a file"):
        read_photograph(tmp_path)


@pytest.mark.parametrize("dtype", [np.float32, np.uint32, np.int16])
def test_samples_without_a_known_range_are_refused(tmp_path, dtype):
    """Floats and 32-bit integers do not say what white is."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones([4, 4, 3], dtype), photometric="rgb")
    with pytest.raises(ImageError, match="integers of up to 16 bits are read"):
        read_photograph(path)


def test_pictures_beyond_pillow_s_limit_are_refused(tmp_path, monkeypatch):
    """The limit guards against small files that unpack to gigabytes."""
    path = saved(tmp_path / "a.png", Image.fromarray(pattern(3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(ImageError, match=r"a\.png has more than 120 pixels"):
        read_photograph(path)
