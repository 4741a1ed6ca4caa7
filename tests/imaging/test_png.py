"""PNG files of every sort: samples, transparency and colour chunks, by the specification's tables."""

import io
import itertools
import struct
import zlib

import numpy as np
import png
import pytest
from imaging.pictures import camera_exif, pattern
from PIL import Image, PngImagePlugin

from tfdeconv.errors import ImageError
from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.formats.png.chunks import SIGNATURE

# PNG, third edition, table 12: colour type -> channels and allowed bit depths.
SORTS = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}
TABLE = [
    (colour_type, depth, transparency, interlaced)
    for colour_type, (_, depths) in SORTS.items()
    for depth, transparency, interlaced in itertools.product(depths, (False, True), (False, True))
    if not (transparency and colour_type in (4, 6))
]


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_chunks(path, *chunks: bytes) -> None:
    """Put chunks behind the header of a file."""
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:])


@pytest.mark.parametrize(("colour_type", "depth", "transparency", "interlaced"), TABLE)
def test_every_sort_of_png_is_read_as_an_independent_decoder_reads_it(
    tmp_path, colour_type, depth, transparency, interlaced
):
    """Colour types, bit depths, tRNS and interlacing, against pypng, which is written in Python."""
    channels, _ = SORTS[colour_type]
    rng = np.random.default_rng(depth)
    samples = rng.integers(0, 1 << depth, (11, 13, channels), np.uint16)
    samples[3:6, 2:9] = samples[0, 0]  # the transparent colour, several times
    options = {"greyscale": colour_type in (0, 4), "alpha": colour_type in (4, 6), "bitdepth": depth}
    if colour_type == 3:
        palette = rng.integers(0, 256, (1 << depth, 3)).tolist()
        options = {
            "palette": [(*c, int(a)) for c, a in zip(palette, rng.integers(0, 256, 1 << depth), strict=True)]
        }
        if not transparency:
            options = {"palette": [tuple(c) for c in palette]}
        options["bitdepth"] = depth
    elif transparency:
        options["transparent"] = tuple(map(int, samples[0, 0])) if channels == 3 else int(samples[0, 0, 0])
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        writer = png.Writer(13, 11, interlace=interlaced, **options)
        writer.write_array(file, samples.reshape(-1).tolist())
    width, height, rows, facts = png.Reader(bytes=path.read_bytes()).asDirect()
    expected = np.array([list(row) for row in rows], np.int64).reshape(height, width, facts["planes"])
    most = (1 << facts["bitdepth"]) - 1
    full = 65535 if facts["bitdepth"] == 16 else 255
    expected = expected * full // most
    photograph = read_photograph(path)
    pixels = photograph.pixels
    if (
        colour_type == 3 and pixels.shape[-1] < expected.shape[-1]
    ):  # a palette of greys, by chance of one colour
        pixels = np.concatenate([pixels[..., :1]] * 2 + [pixels], axis=-1)
    np.testing.assert_array_equal(pixels, expected)
    assert pixels.dtype == (np.uint16 if depth == 16 else np.uint8)


def test_only_the_low_bits_of_a_transparent_value_count(tmp_path):
    """As the specification says of files of fewer than 16 bits."""
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        png.Writer(2, 1, greyscale=True, bitdepth=2).write_array(file, [1, 2])
    with_chunks(path, chunk(b"tRNS", struct.pack(">H", 0x0102)))
    assert read_photograph(path).pixels[..., 1].tolist() == [[255, 0]]


COLOUR = {
    "cICP": bytes([9, 16, 0, 1]),
    "gAMA": struct.pack(">I", 45455),
    "cHRM": struct.pack(">8I", 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600),
    "mDCV": bytes(range(24)),
    "cLLI": struct.pack(">2I", 10_000_000, 2_000_000),
    "sRGB": b"\1",
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_chunks_go_through_byte_for_byte(tmp_path, dtype):
    """Each once, before the pixels, for both depths; another reader sees them, too."""
    path, again = tmp_path / "a.png", tmp_path / "b.png"
    write_photograph(Photograph(pattern(3, dtype)), path)
    with_chunks(path, *(chunk(name.encode(), content) for name, content in COLOUR.items()))
    photograph = read_photograph(path)
    assert photograph.colour == COLOUR
    assert write_photograph(photograph, again) == ()
    found = [(name.decode(), content) for name, content in png.Reader(bytes=again.read_bytes()).chunks()]
    before_pixels = dict(found[: [name for name, _ in found].index("IDAT")])
    assert {name: before_pixels[name] for name in COLOUR} == COLOUR
    assert len(found) == len({name for name, _ in found if name != "IDAT"}) + sum(
        n == "IDAT" for n, _ in found
    )


def test_a_profile_takes_the_place_of_the_srgb_chunk(tmp_path, icc):
    """A file should not have both."""
    write_photograph(Photograph(pattern(3), icc_profile=icc, colour=COLOUR), tmp_path / "a.png")
    again = read_photograph(tmp_path / "a.png")
    assert again.icc_profile == icc
    assert "sRGB" not in again.colour


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif"])
def test_colour_chunks_that_a_format_has_no_place_for_are_told(tmp_path, suffix):
    """Unless they only say sRGB, which is what files without any are taken for."""
    path = tmp_path / f"a.{suffix}"
    (note,) = write_photograph(Photograph(pattern(3), colour={"cICP": bytes([9, 16, 0, 1])}), path)
    assert note.endswith("has no place for: the colour chunks cICP")
    for usual in ({"sRGB": b"\0"}, {"gAMA": COLOUR["gAMA"]}, {"cICP": bytes([1, 13, 0, 1])}):
        assert write_photograph(Photograph(pattern(3), colour=usual), path, overwrite=True) == ()


def test_unknown_chunks_are_told(tmp_path):
    """They are not carried: nobody here knows what they say about the pixels."""
    write_photograph(Photograph(pattern(3)), tmp_path / "a.png")
    with_chunks(
        tmp_path / "a.png", chunk(b"caBX", b"manifest"), chunk(b"tIME", bytes(7)), chunk(b"bKGD", bytes(6))
    )
    (note,) = read_photograph(tmp_path / "a.png").notes
    assert note == "has chunks that are not known here and are left out: caBX"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_comments_go_through(tmp_path, dtype):
    """Text chunks of all three kinds, in any script; ImageMagick's raw profiles are no comments."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Street")
    info.add_text("Author", "José")
    info.add_itxt("Description", "山田")
    info.add_text("Long", "x" * 5000, zip=True)
    info.add_text("Raw profile type xmp", "\nxmp\n4\n00000000")
    path = tmp_path / "a.png"
    Image.fromarray(pattern(1)[..., 0]).save(path, pnginfo=info)
    expected = {"Title": "Street", "Author": "José", "Description": "山田", "Long": "x" * 5000}
    photograph = read_photograph(path)
    assert photograph.text == expected
    deep = Photograph(pattern(3, dtype), text=photograph.text)
    write_photograph(deep, tmp_path / "b.png")
    assert read_photograph(tmp_path / "b.png").text == expected
    with Image.open(tmp_path / "b.png") as image:
        assert image.text == expected


def test_exif_behind_the_pixels_is_found(tmp_path):
    """The eXIf chunk may stand anywhere; its orientation counts."""
    block = camera_exif(6).tobytes().removeprefix(b"Exif\0\0")
    for dtype in (np.uint8, np.uint16):
        path = tmp_path / f"{np.dtype(dtype)}.png"
        write_photograph(Photograph(pattern(3, dtype)), path)
        data = path.read_bytes()
        path.write_bytes(data[:-12] + chunk(b"eXIf", block) + data[-12:])
        assert read_photograph(path).pixels.shape == (14, 9, 3)


def test_a_text_that_unpacks_to_gigabytes_is_left_out_and_told(tmp_path):
    """A small file must not fill the memory; 64 MB is the most. The picture is read."""
    packed = zlib.compress(bytes((1 << 26) + 1), 1)
    write_photograph(Photograph(pattern(3)), tmp_path / "a.png")
    with_chunks(tmp_path / "a.png", chunk(b"zTXt", b"a\0\0" + packed), chunk(b"iCCP", b"a\0\0" + packed))
    photograph = read_photograph(tmp_path / "a.png")
    assert (photograph.text, photograph.icc_profile) == ({}, None)
    assert photograph.notes == ("has damaged chunks, which are left out: zTXt, iCCP",)


def test_large_profiles_and_packets_are_read(tmp_path, icc):
    """Those of printers and of long editing histories have megabytes."""
    profile = icc + np.random.default_rng(0).bytes(1 << 21)
    xmp = b"<x:xmpmeta>" + b" " * (1 << 21) + b"</x:xmpmeta>"
    write_photograph(Photograph(pattern(3)), tmp_path / "a.png")
    with_chunks(
        tmp_path / "a.png",
        chunk(b"iCCP", b"printer\0\0" + zlib.compress(profile)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)),
    )
    photograph = read_photograph(tmp_path / "a.png")
    assert (photograph.icc_profile, photograph.xmp, photograph.notes) == (profile, xmp, ())


def test_texts_with_one_keyword_are_all_kept(tmp_path):
    """The specification allows any number of them."""
    write_photograph(Photograph(pattern(3)), tmp_path / "a.png")
    authors = [chunk(b"tEXt", b"Author\0" + name) for name in (b"Ann", b"Bob", b"Ann")]
    with_chunks(tmp_path / "a.png", *authors)
    assert read_photograph(tmp_path / "a.png").text == {"Author": "Ann\nBob"}


def header(width=2, height=2, depth=8, colour_type=0, interlaced=0):
    return chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour_type, 0, 0, interlaced))


def wrong(whole: bytes) -> bytes:
    """A chunk with a wrong checksum."""
    return whole[:-4] + b"\0\0\0\0"


ROWS = b"\0\1\2\0\3\4"
PIXELS, END = chunk(b"IDAT", zlib.compress(ROWS)), chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        (wrong(chunk(b"tEXt", b"a\0b")), "has damaged chunks, which are left out: tEXt"),
        (wrong(chunk(b"abCd", b"")), "has damaged chunks, which are left out: abCd"),
        (chunk(b"gAMA", b"\0"), "has damaged chunks, which are left out: gAMA"),
        (chunk(b"pHYs", b"\0"), "has damaged chunks, which are left out: pHYs"),
        (chunk(b"tRNS", b"\0"), "has damaged chunks, which are left out: tRNS"),
        (chunk(b"iCCP", b"name\0\0nonsense"), "has damaged chunks, which are left out: iCCP"),
        (chunk(b"pHYs", struct.pack(">2IB", 1, 2, 0)), "says that its pixels are not square (1 to 2 in"),
    ],
)
def test_what_is_damaged_beside_the_pixels_is_left_out_and_told(extra, note):
    """As the specification wants it: the picture is there."""
    photograph = read_photograph(io.BytesIO(SIGNATURE + header() + extra + PIXELS + END))
    np.testing.assert_array_equal(photograph.pixels[..., 0], [[1, 2], [3, 4]])
    (told,) = photograph.notes
    assert told.startswith(note)


@pytest.mark.parametrize("end", [b"", END[:-2], bytes(50)])
def test_a_file_without_its_end_is_read_and_told(end):
    """Every pixel is there."""
    photograph = read_photograph(io.BytesIO(SIGNATURE + header() + PIXELS + end))
    assert photograph.pixels[..., 0].tolist() == [[1, 2], [3, 4]]
    assert photograph.notes == (() if end == END[:-2] else ("lacks its end chunk",))


PALETTE = header(colour_type=3)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (
            header() + chunk(b"IDAT", zlib.compress(ROWS[:-3])) + END,
            "and its pixels cannot be decoded",
        ),
        (
            header() + chunk(b"IDAT", zlib.compress(ROWS)[:-5]) + END,
            "and its pixels cannot be decoded",
        ),
        (header(depth=16) + PIXELS + END, "and its pixels cannot be decoded"),
        (header() + wrong(PIXELS) + END, "the checksum of its IDAT chunk is wrong"),
        (wrong(header()) + PIXELS + END, "the checksum of its IHDR chunk is wrong"),
        (PALETTE + PIXELS + END, "palette colours without its palette"),
        (PALETTE + PIXELS + chunk(b"PLTE", bytes(15)) + END, "palette colours without its palette"),
        (header() + header() + PIXELS + END, "its header makes no sense"),
        (PIXELS + header() + END, "header is not at its beginning"),
        (header(), "pixels do not begin"),
        (header(width=0) + PIXELS + END, "has no pixels: 0x2"),
        (header(depth=3) + PIXELS + END, "colour type 0 of 3 bits"),
        (header(interlaced=2) + PIXELS + END, "methods 0, 0, 2"),
        (header() + chunk(b"NEWx", b"") + PIXELS + END, "has a chunk NEWx, without which"),
        (chunk(b"CgBI", bytes(4)) + header() + PIXELS + END, "apps for iPhones"),
    ],
)
def test_pixels_that_lack_or_that_nobody_can_know_are_refused(chunks, message):
    """A picture with a hole, or in the wrong colours, would pass for a whole one."""
    with pytest.raises(ImageError, match=message):
        read_photograph(io.BytesIO(SIGNATURE + chunks))


COLOURS = chunk(b"PLTE", bytes(range(15)))


@pytest.mark.parametrize(
    "chunks",
    [
        PALETTE + COLOURS + chunk(b"tRNS", b"") + PIXELS,
        PALETTE + COLOURS + chunk(b"tRNS", bytes(6)) + PIXELS,
        PALETTE + chunk(b"tRNS", bytes(5)) + COLOURS + PIXELS,
        PALETTE + COLOURS + PIXELS + chunk(b"tRNS", bytes(5)),
        header() + PIXELS + chunk(b"tRNS", b"\0\1"),
    ],
    ids=["empty", "longer than the palette", "before it", "behind the pixels", "of grey"],
)
def test_transparency_that_programs_do_not_see_is_left_out_and_told(chunks, capfd):
    """As libpng leaves it out; its own remark does not reach the user."""
    photograph = read_photograph(io.BytesIO(SIGNATURE + chunks + END))
    assert photograph.notes == ("has damaged chunks, which are left out: tRNS",)
    assert not photograph.has_alpha
    assert capfd.readouterr().err == ""


def test_the_first_of_two_transparent_colours_counts():
    """As for libpng, and it is told."""
    keys = chunk(b"tRNS", b"\0\1") + chunk(b"tRNS", b"\0\2")
    photograph = read_photograph(io.BytesIO(SIGNATURE + header() + keys + PIXELS + END))
    assert photograph.pixels[..., 1].tolist() == [[0, 255], [255, 255]]
    assert photograph.notes == ("has damaged chunks, which are left out: tRNS",)


@pytest.mark.parametrize(("controls", "frames"), [(b"", 3), (chunk(b"fcTL", bytes(26)), 2)])
def test_frames_of_an_animation_are_counted(controls, frames):
    """With the picture that others show, where that is not the first of them."""
    animation = chunk(b"acTL", struct.pack(">2I", 2, 0))
    data = SIGNATURE + header() + animation + controls + PIXELS + END
    with pytest.raises(ImageError, match=f"holds {frames} pictures"):
        read_photograph(io.BytesIO(data))
    assert read_photograph(io.BytesIO(data), first_frame=True).pixels[0, 1] == 2
