"""TIFF files as scanners, maps and old programs write them: samples, planes, palettes, inks, byte orders."""

import io

import numpy as np
import pytest
import tifffile
from imaging.pictures import pattern
from PIL import Image

from tfdeconv.errors import ImageError
from tfdeconv.imaging import read_photograph

NOISE = np.random.default_rng(3).integers(0, 256, (40, 56, 3), np.uint8)


def tiff(pixels, **options) -> io.BytesIO:
    """A file in memory."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("channels", [2, 4])
def test_every_layout_holds_the_same_pixels(dtype, bigtiff, byteorder, planarconfig, channels):
    """Grey and colour with alpha; planes, byte orders and 64-bit offsets."""
    pixels = pattern(channels, dtype)
    file = tiff(
        np.moveaxis(pixels, -1, 0) if planarconfig == "separate" else pixels,
        photometric="rgb" if channels == 4 else "minisblack",
        planarconfig=planarconfig,
        extrasamples=["unassalpha"],
        byteorder=byteorder,
        bigtiff=bigtiff,
        extratags=[(274, "H", 1, 6, True), (315, "s", 0, "Ann", True)],
    )
    photograph = read_photograph(file)
    np.testing.assert_array_equal(photograph.pixels, np.rot90(pixels, -1))
    exif = Image.Exif()
    exif.load(photograph.exif)
    assert (exif[315], exif[274]) == ("Ann", 1)


def with_bits(samples, bits):
    """A big-endian grey TIFF of any depth, made by hand."""
    height, width = samples.shape
    rows = ["".join(f"{value:0{bits}b}" for value in row) for row in samples]
    data = b"".join(int(row.ljust(-len(row) // 8 * -8, "0"), 2).to_bytes(-(-len(row) // 8)) for row in rows)
    entries = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: 1,
        273: 8,
        277: 1,
        278: height,
        279: len(data),
    }
    at = 8 + len(data) + len(data) % 2
    directory = b"".join(
        tag.to_bytes(2) + b"\0\3\0\0\0\1" + value.to_bytes(2) + b"\0\0" for tag, value in entries.items()
    )
    head = b"MM\0*" + at.to_bytes(4) + data + b"\0" * (len(data) % 2)
    return io.BytesIO(head + len(entries).to_bytes(2) + directory + bytes(4))


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_samples_of_any_depth_fill_the_range(bits):
    """White stays white: 8 bits up to a depth of 8, else 16."""
    most = (1 << bits) - 1
    samples = np.random.default_rng(bits).integers(0, most, (5, 7), endpoint=True)
    samples[0, :2] = 0, most
    full = 255 if bits <= 8 else 65535
    pixels = read_photograph(with_bits(samples, bits)).pixels[..., 0]
    assert pixels.dtype == (np.uint8 if bits <= 8 else np.uint16)
    np.testing.assert_allclose(pixels, samples / most * full, atol=0.5)


@pytest.mark.parametrize("step", [1, 257])
def test_palettes_of_16_and_of_8_bits_are_read(step):
    """The specification wants 16; some writers fill in numbers up to 255."""
    colours = np.random.default_rng(0).integers(0, 256, (3, 256))
    index = pattern(1)[..., 0]
    file = tiff(index, photometric="palette", colormap=(colours * step).astype(np.uint16))
    np.testing.assert_array_equal(read_photograph(file).pixels, colours.T[index])


@pytest.mark.parametrize(("dtype", "planarconfig"), [(np.uint8, "separate"), (np.uint16, "contig")])
def test_inks_with_alpha_become_rgb_with_alpha(dtype, planarconfig):
    """As Pillow converts them where there is no profile; that 16 bits become 8 is told."""
    pixels = pattern(5, np.uint8)
    data = pixels if dtype == np.uint8 else pixels.astype(np.uint16) * 257
    file = tiff(
        np.moveaxis(data, -1, 0) if planarconfig == "separate" else data,
        photometric="separated",
        planarconfig=planarconfig,
        extrasamples=["unassalpha"],
    )
    photograph = read_photograph(file)
    expected = np.asarray(Image.fromarray(pixels[..., :4].copy(), "CMYK").convert("RGB"))
    np.testing.assert_array_equal(photograph.pixels, np.concatenate([expected, pixels[..., 4:]], axis=-1))
    deep = ("holds CMYK pixels of 16 bits, which become RGB of 8",)
    assert photograph.notes == (deep if dtype == np.uint16 else ())


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
def test_premultiplied_alpha_of_8_bits_is_divided_out(planarconfig):
    """In planes, too."""
    alpha = np.array([[[255], [128], [0]]])
    colour = np.array([[[200, 100, 50]] * 3])
    data = np.concatenate([colour * alpha // 255, alpha], axis=-1).astype(np.uint8)
    data = np.moveaxis(data, -1, 0) if planarconfig == "separate" else data
    file = tiff(data, photometric="rgb", planarconfig=planarconfig, extrasamples=["assocalpha"])
    result = read_photograph(file).pixels
    np.testing.assert_allclose(result[0, :2, :3], colour[0, :2], atol=2)
    assert result[0, :, 3].tolist() == [255, 128, 0]


@pytest.mark.parametrize(
    ("channels", "extra", "note"),
    [
        (4, ["unspecified"], "has a further channel beside its colours and alpha, which is left out"),
        (5, ["unspecified"] * 2, "has 2 further channels beside its colours and alpha, which are left out"),
        (5, ["unspecified", "unassalpha"], "has a further channel beside"),
    ],
)
def test_channels_of_no_known_meaning_are_told(channels, extra, note):
    """Such as infrared; alpha is found behind them."""
    pixels = pattern(channels)
    photograph = read_photograph(tiff(pixels, photometric="rgb", extrasamples=extra))
    kept = [0, 1, 2, 4] if "unassalpha" in extra else [0, 1, 2]
    np.testing.assert_array_equal(photograph.pixels, pixels[..., kept])
    assert photograph.notes[0].startswith(note)


def test_smaller_copies_and_masks_are_no_further_pictures():
    """Maps hold them behind the picture; they and the georeference are for the old pixels."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        place = [(33550, "d", 3, (1.0, 1.0, 0.0), True), (34735, "H", 4, (1, 1, 0, 0), True)]
        writer.write(pattern(3), photometric="rgb", metadata=None, extratags=place)
        writer.write(pattern(3)[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
        writer.write(pattern(1)[..., 0] > 99, photometric="minisblack", metadata=None, subfiletype=4)
    photograph = read_photograph(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(photograph.pixels, pattern(3))
    assert photograph.notes == (
        "holds 2 smaller copies or masks of its picture, which are left out",
        "says where on Earth its pixels lie (GeoTIFF), which is left out",
    )


def test_parts_without_content_are_told():
    """Programs for maps leave out strips that hold nothing."""
    file = tiff(pattern(3), photometric="rgb", rowsperstrip=3)
    with tifffile.TiffFile(file) as tiff_file:
        at = tiff_file.pages[0].tags[279].valueoffset
    data = bytearray(file.getvalue())
    data[at : at + 2] = b"\0\0"
    photograph = read_photograph(io.BytesIO(data))
    assert photograph.notes == ("has parts without content, which are black",)
    assert photograph.pixels[:3].max() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", ["lzw", "adobe_deflate", "packbits", "zstd"])
def test_strips_that_are_cut_short_are_refused(dtype, compression):
    """By what a strip should hold, whatever the compression."""
    file = tiff(pattern(3, dtype), photometric="rgb", compression=compression)
    with tifffile.TiffFile(file) as tiff_file:
        tag = tiff_file.pages[0].tags[279]
    data = bytearray(file.getvalue())
    data[tag.valueoffset : tag.valueoffset + 2] = (tag.value[0] // 2).to_bytes(2, "little")
    with pytest.raises(ImageError, match=r"is cut off or damaged, and its pixels .*cannot be decoded"):
        read_photograph(io.BytesIO(data))


@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_colours_that_are_not_read_are_named(photometric):
    """A file with them is not damaged."""
    with pytest.raises(ImageError, match=rf"holds {photometric.upper()} pixels, 3 samples of 8 bit"):
        read_photograph(tiff(pattern(3), photometric=photometric))


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
