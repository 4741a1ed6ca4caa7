"""Chunks of PNG files that say what the pixels mean.

References:
    Portable Network Graphics (Third Edition), W3C 2025: section 5 (chunks), 11.3.1 (tRNS), 11.3.2 (colour),
    11.3.3 (text), 11.3.4.3 (pHYs) and 11.3.4.5 (eXIf).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from tfdeconv.imaging.formats.metadata.iptc import png_raw_profile
from tfdeconv.imaging.photograph import Photograph

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_CHUNKS = ("cICP", "sRGB", "gAMA", "cHRM", "mDCV", "cLLI")
"""Carried as they are; a larger picture changes nothing about them."""

XMP_KEYWORD = "XML:com.adobe.xmp"
# Read elsewhere, or about the old pixels or the old file alone.
_OTHER_KNOWN = frozenset(
    [
        "IHDR",
        "PLTE",
        "IDAT",
        "IEND",
        "tRNS",
        "iCCP",
        "pHYs",
        "eXIf",
        "tEXt",
        "zTXt",
        "iTXt",
        "bKGD",
        "hIST",
        "sBIT",
        "sPLT",
        "tIME",
        "acTL",
        "fcTL",
        "fdAT",
    ]
)
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_LONGEST_TEXT = 1 << 26  # unpacked: a small file must not fill the memory
_INCHES_PER_METRE = 1 / 0.0254
_SRGB_CODES = b"\x01\x0d"
_SRGB_GAMMA = (45455).to_bytes(4)
_SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)  # white, red, green, blue
_LATIN_1_KEYWORD = 79  # the longest


class PngFacts(NamedTuple):
    """What a file says beside its pixels.

    Attributes:
        bit_depth: Bits a sample.
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        transparent: The samples of the colour that stands for transparency (tRNS of grey and RGB); None
            for none.
        colour: The chunks of ``COLOUR_CHUNKS`` that are there.
        text: Keywords of text chunks -> texts.
        exif: The EXIF block; None for none.
        unknown: Names of chunks that are not known here.
    """

    bit_depth: int
    colour_type: int
    transparent: tuple[int, ...] | None
    colour: dict[str, bytes]
    text: dict[str, str]
    exif: bytes | None
    unknown: tuple[str, ...]


def read_facts(file: BinaryIO) -> PngFacts:
    """Read the chunks of a PNG file from its start, the pixels left out.

    Raises:
        struct.error: The file ends within a chunk that says what the pixels are.
    """
    file.seek(len(SIGNATURE))
    bit_depth = colour_type = 0
    transparent: tuple[int, ...] | None = None
    exif: bytes | None = None
    colour: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    unknown: dict[str, None] = {}
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        text = name.decode("latin-1")
        if name == b"IHDR":
            bit_depth, colour_type = struct.unpack(">8x2B", file.read(10))
            length -= 10
        elif name == b"tRNS" and colour_type in (0, 2):
            samples = struct.unpack(f">{length // 2}H", file.read(length // 2 * 2))
            length %= 2
            wanted = 1 if colour_type == 0 else 3
            if len(samples) >= wanted:  # "only the low-order bits are used"
                transparent = tuple(sample & ((1 << bit_depth) - 1) for sample in samples[:wanted])
        elif text in COLOUR_CHUNKS and length < 1000:
            colour.setdefault(text, file.read(length))
            length = 0
        elif name in _TEXT_CHUNKS and length <= _LONGEST_TEXT:
            keyword, content = _text(name, file.read(length))
            texts.setdefault(keyword, content)
            length = 0
        elif name == b"eXIf":
            exif, length = file.read(length) or None, 0
        elif text not in _OTHER_KNOWN or name in _TEXT_CHUNKS:
            unknown[text] = None
        if name == b"IEND":
            break
        file.seek(length + 4, 1)
    return PngFacts(bit_depth, colour_type, transparent, colour, texts, exif, tuple(unknown))


def _text(name: bytes, content: bytes) -> tuple[str, str]:
    """Keyword and text of a text chunk; what is nonsense is left empty."""
    keyword, _, rest = content.partition(b"\0")
    if name == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        compressed, rest = name == b"zTXt", rest[1:] if name == b"zTXt" else rest
    if compressed:
        try:
            rest = zlib.decompressobj().decompress(rest, _LONGEST_TEXT)
        except zlib.error:
            rest = b""
    return keyword.decode("latin-1"), rest.decode("utf-8" if name == b"iTXt" else "latin-1", "replace")


def is_srgb(colour: Mapping[str, bytes]) -> bool:
    """Return whether colour chunks say no more than what every program takes untagged pictures for.

    Example:
        >>> is_srgb({"gAMA": (45455).to_bytes(4, "big")}), is_srgb({"cICP": bytes([9, 16, 0, 1])})
        (True, False)
    """
    if "mDCV" in colour or "cLLI" in colour:
        return False
    if "cICP" in colour:
        return colour["cICP"][:2] == _SRGB_CODES
    if "sRGB" in colour:
        return True
    primaries = (
        struct.unpack(">8I", colour["cHRM"]) if len(colour.get("cHRM", b"")) == 32 else _SRGB_PRIMARIES
    )
    near = all(abs(a - b) < 200 for a, b in zip(primaries, _SRGB_PRIMARIES, strict=True))
    return near and abs(int.from_bytes(colour.get("gAMA", _SRGB_GAMMA)) - 45455) < 200


def metadata_chunks(photograph: Photograph) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks between the header and the pixels of a photograph's file."""
    for name in COLOUR_CHUNKS:
        if name in photograph.colour and not (name == "sRGB" and photograph.icc_profile is not None):
            yield name.encode(), photograph.colour[name]
    if photograph.icc_profile is not None:
        yield b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(photograph.icc_profile)
    if photograph.dpi is not None:
        per_metre = [round(dpi * _INCHES_PER_METRE) for dpi in photograph.dpi]
        yield b"pHYs", struct.pack(">IIB", *per_metre, 1)
    if photograph.exif is not None:
        yield b"eXIf", photograph.exif
    if photograph.xmp is not None:  # not compressed: programs look for it without a decoder
        yield b"iTXt", XMP_KEYWORD.encode() + b"\0\0\0\0\0" + photograph.xmp
    if photograph.iptc is not None:
        profile = png_raw_profile(photograph.iptc).encode()
        yield b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(profile)
    for keyword, text in photograph.text.items():
        key = keyword.encode("latin-1", "replace").replace(b"\0", b"")[:_LATIN_1_KEYWORD] or b"Comment"
        yield b"iTXt", key + b"\0\0\0\0\0" + text.encode("utf-8", "replace").replace(b"\0", b"")


def write_chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    """Write a chunk with its length and checksum."""
    file.write(struct.pack(">I", len(content)) + name)
    file.write(content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))


class WithChunks:
    """A file that passes a PNG on, with further chunks behind its header.

    Pillow writes no mDCV, cLLI and the like; so it is given this instead of the file.

    Args:
        file: Where the picture goes.
        chunks: Names and contents.
    """

    def __init__(self, file: BinaryIO, chunks: Iterator[tuple[bytes, bytes]]) -> None:
        self._file = file
        self._chunks = chunks
        self._until_header_ends = len(SIGNATURE) + 4 + 4 + 13 + 4

    def write(self, data: bytes) -> int:
        """Pass on what an encoder writes."""
        head, rest = data[: self._until_header_ends], data[self._until_header_ends :]
        if head:
            self._file.write(head)
            self._until_header_ends -= len(head)
            if not self._until_header_ends:
                for name, content in self._chunks:
                    write_chunk(self._file, name, content)
        self._file.write(rest)
        return len(data)

    def flush(self) -> None:
        """Pass on."""
        self._file.flush()
