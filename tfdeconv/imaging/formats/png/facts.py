"""What a PNG file says: how its pixels are stored, what they mean, and everything beside them.

References:
    Portable Network Graphics (Third Edition), W3C 2025: sections 11.2 (critical chunks), 11.3.1 (tRNS),
    11.3.2 (colour), 11.3.3 (text), 11.3.4.3 (pHYs), 11.3.4.5 (eXIf), 11.3.6 (animation) and 13.2 (errors).
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from tfdeconv.errors import ImageError
from tfdeconv.imaging.formats.metadata.exif import block_of
from tfdeconv.imaging.formats.metadata.iptc import raw_profile
from tfdeconv.imaging.formats.png.chunks import SIGNATURE, Chunk, read_chunks, write_chunk
from tfdeconv.imaging.formats.png.colour import COLOUR_CHUNKS

XMP_KEYWORD = "XML:com.adobe.xmp"
RAW_PROFILE = "Raw profile type "
"""With which the keywords of ImageMagick's texts begin that hold metadata of other formats."""

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Colour type -> bits a sample that it may have (table 12)."""

_ABOUT_THE_FILE = (b"bKGD", b"hIST", b"sBIT", b"sPLT", b"tIME", b"fdAT")  # or about the old pixels alone
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_LONGEST = 1 << 26  # of texts and profiles, unpacked: a small file must not fill the memory
_OLD_EXIF = (RAW_PROFILE + "exif", RAW_PROFILE + "APP1")  # ImageMagick's, before PNG had a chunk for it
_METRES_PER_INCH = 0.0254


@dataclass
class PngFacts:
    """What a file says.

    Attributes:
        width: Pixels.
        height: Pixels.
        bit_depth: Bits a sample.
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        picture: A PNG file of the pixels alone.
        transparent: The samples of the colour that stands for transparency (tRNS of grey and RGB); None
            for none.
        icc_profile: The ICC profile; None for none.
        colour: The chunks of ``COLOUR_CHUNKS`` that are there.
        dpi: Horizontal and vertical pixels per inch; None for none.
        exif: The EXIF block; None for none.
        xmp: The XMP packet; None for none.
        text: Keywords of text chunks -> texts; of several with one keyword, a line each.
        frames: How many pictures it holds.
        notes: What is not as it should be, and what is not read.
    """

    width: int = 0
    height: int = 0
    bit_depth: int = 0
    colour_type: int = 0
    picture: bytes = b""
    transparent: tuple[int, ...] | None = None
    icc_profile: bytes | None = None
    colour: dict[str, bytes] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    text: dict[str, str] = field(default_factory=dict)
    frames: int = 1
    notes: tuple[str, ...] = ()


def read_facts(file: BinaryIO) -> PngFacts:
    """Read a PNG file from its start, without decoding its pixels.

    What is damaged beside the pixels is left out, and told.

    Raises:
        ImageError: Its pixels are damaged, or stored in a way that the specification does not know.
    """
    return _Reading().read(file)


class _NonsenseError(ValueError):
    """A chunk contradicts the specification."""


class _Reading:
    """A file, chunk by chunk."""

    def __init__(self) -> None:
        self._facts = PngFacts()
        self._picture = io.BytesIO()
        self._picture.write(SIGNATURE)
        self._seen: set[bytes] = set()
        self._damaged: dict[bytes, None] = {}
        self._unknown: dict[bytes, None] = {}
        self._notes: list[str] = []
        self._animated = False
        self._palette_size = 0

    def read(self, file: BinaryIO) -> PngFacts:
        for chunk in read_chunks(file):
            if chunk.is_critical or (chunk.name == b"tRNS" and self._facts.colour_type == 3):
                self._critical(chunk)
            elif not chunk.intact:
                self._damaged[chunk.name] = None
            else:
                try:
                    self._ancillary(chunk)
                except (_NonsenseError, struct.error, zlib.error):
                    self._damaged[chunk.name] = None
            self._seen.add(chunk.name)
        facts = self._facts
        if b"IDAT" not in self._seen:
            raise ImageError("is cut off or damaged: a PNG whose pixels do not begin.")
        if b"IEND" not in self._seen:
            self._notes.append("lacks its end chunk")
            write_chunk(self._picture, b"IEND", b"")
        facts.picture = self._picture.getvalue()
        if facts.exif is None:
            old = (raw_profile(facts.text[name]) for name in _OLD_EXIF if name in facts.text)
            facts.exif = next(map(block_of, old), None)
        for what, names in (
            ("damaged chunks, which are left out", self._damaged),
            ("chunks that are not known here and are left out", self._unknown),
        ):
            if names:
                self._notes.append(f"has {what}: {', '.join(name.decode('latin-1') for name in names)}")
        facts.notes = tuple(self._notes)
        return facts

    def _critical(self, chunk: Chunk) -> None:
        name = chunk.name
        if name == b"CgBI":
            raise ImageError(
                "is a PNG as Xcode stores it in apps for iPhones (CgBI), with its colours in another order. "
                "Convert it first, as with pngcrush -revert-iphone-optimizations."
            )
        if name not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            raise ImageError(
                f"has a chunk {name.decode()}, without which its picture cannot be understood, and which the "
                "PNG specification does not know."
            )
        if name == b"IEND" and not chunk.intact:
            return  # all that it says is that the file ends
        if not chunk.intact:
            raise ImageError(f"is cut off or damaged: the checksum of its {name.decode()} chunk is wrong.")
        if name == b"IHDR":
            self._header(chunk.content)
        elif name == b"IDAT":
            if b"IHDR" not in self._seen:
                raise ImageError("is damaged: a PNG whose header is not at its beginning.")
            if self._facts.colour_type == 3 and b"PLTE" not in self._seen:
                raise ImageError("is damaged: a PNG of palette colours without its palette.")
        elif name == b"PLTE":
            self._palette_size = len(chunk.content) // 3
        elif name == b"tRNS" and (self._misplaced(name) or not 0 < len(chunk.content) <= self._palette_size):
            self._damaged[name] = None  # libpng leaves it out without an error
            return
        write_chunk(self._picture, name, chunk.content)

    def _header(self, content: bytes) -> None:
        if b"IHDR" in self._seen or len(content) != 13:
            raise ImageError("is damaged: its header makes no sense.")
        facts = self._facts
        facts.width, facts.height, facts.bit_depth, facts.colour_type = struct.unpack_from(">2I2B", content)
        if facts.bit_depth not in DEPTHS.get(facts.colour_type, ()) or any(content[10:12]) or content[12] > 1:
            raise ImageError(
                f"is damaged, or no PNG as the specification knows it: colour type {facts.colour_type} of "
                f"{facts.bit_depth} bits, methods {', '.join(map(str, content[10:]))}."
            )
        if not (facts.width and facts.height):
            raise ImageError(f"has no pixels: {facts.width}x{facts.height}.")

    def _ancillary(self, chunk: Chunk) -> None:
        facts, name, content = self._facts, chunk.name, chunk.content
        text = name.decode("latin-1")
        if name == b"tRNS":
            self._transparent(content)
        elif text in COLOUR_CHUNKS:
            if (text == "gAMA" and len(content) != 4) or (text == "cHRM" and len(content) != 32):
                raise _NonsenseError
            facts.colour.setdefault(text, content)
        elif name in _TEXT:
            self._text(name, content)
        elif name == b"iCCP":
            facts.icc_profile = facts.icc_profile or _unpacked(content.partition(b"\0")[2][1:])
        elif name == b"eXIf":
            facts.exif = block_of(content)
        elif name == b"pHYs":
            self._resolution(*struct.unpack(">2IB", content))
        elif name == b"acTL":
            if b"IDAT" not in self._seen:  # behind the pixels it counts for nothing
                (frames,) = struct.unpack_from(">I", content)
                facts.frames = frames + (b"fcTL" not in self._seen)
                self._animated = frames > 0
        elif name == b"fcTL":
            if self._animated and not self._seen & {b"fcTL", b"IDAT"}:
                facts.frames -= 1  # the animation begins with the picture that every program shows
        elif name not in _ABOUT_THE_FILE:
            self._unknown[name] = None

    def _misplaced(self, name: bytes) -> bool:
        """Whether a chunk that must come once, and before the pixels, does not."""
        return bool(self._seen & {name, b"IDAT"})

    def _transparent(self, content: bytes) -> None:
        facts = self._facts
        wanted = {0: 1, 2: 3}.get(facts.colour_type)
        if wanted is None or len(content) < 2 * wanted or self._misplaced(b"tRNS"):
            raise _NonsenseError
        most = (1 << facts.bit_depth) - 1  # "only the low-order bits are used"
        facts.transparent = tuple(sample & most for sample in struct.unpack_from(f">{wanted}H", content))

    def _resolution(self, horizontal: int, vertical: int, unit: int) -> None:
        if unit == 1:
            self._facts.dpi = (horizontal * _METRES_PER_INCH, vertical * _METRES_PER_INCH)
        elif horizontal != vertical:
            self._notes.append(
                f"says that its pixels are not square ({horizontal} to {vertical} in as much room), which is "
                "left out"
            )

    def _text(self, name: bytes, content: bytes) -> None:
        facts = self._facts
        keyword, text = _text(name, content)
        if keyword == XMP_KEYWORD:
            facts.xmp = facts.xmp or text or None
            return
        decoded = text.decode("utf-8" if name == b"iTXt" else "latin-1", "replace")
        if keyword not in facts.text or keyword.startswith(RAW_PROFILE):
            facts.text.setdefault(keyword, decoded)
        elif decoded not in facts.text[keyword].split("\n"):
            facts.text[keyword] += "\n" + decoded


def _text(name: bytes, content: bytes) -> tuple[str, bytes]:
    """Keyword and text of a text chunk."""
    keyword, _, rest = content.partition(b"\0")
    if name == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        compressed, rest = name == b"zTXt", rest[1:] if name == b"zTXt" else rest
    return keyword.decode("latin-1"), _unpacked(rest) if compressed else rest


def _unpacked(content: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    unpacked = decompressor.decompress(content, _LONGEST)
    if decompressor.unconsumed_tail or not decompressor.eof:
        raise _NonsenseError
    return unpacked
