"""What JPEG files say before and around their pixels.

References:
    ITU-T T.81 (JPEG), annexes B (markers), D (arithmetic coding) and G (progressive scans).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

_END = b"\xff\xd9"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment
_FRAMES = {
    0xC0: "baseline",
    0xC1: "sequential",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xC7: "hierarchical",
    0xC9: "sequential, arithmetic",
    0xCA: "progressive, arithmetic",
    0xCB: "lossless, arithmetic",
    0xCD: "hierarchical",
    0xCE: "hierarchical",
    0xCF: "hierarchical",
    0xF7: "JPEG-LS",
}
READABLE = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_ARITHMETIC = (0xC9, 0xCA)
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _COMMENT, _APPLICATION = 0xDA, 0xFE, range(0xE0, 0xF0)
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_KNOWN: dict[int, tuple[bytes, ...]] = {
    0: (b"JFIF\0", b"JFXX\0"),
    1: (b"Exif\0", _XMP),
    2: (b"MPF\0",),
    12: (b"Ducky",),  # how Photoshop compressed it
    13: (b"Photoshop 3.0\0", b"Adobe_CM"),
    14: (b"Adobe",),
}
"""Application segments that are read, or that are about the old file alone: number -> beginnings."""

MOST_XMP = 65533 - len(_XMP)
"""Bytes of an XMP packet that a segment holds."""

MOST_IPTC = 65533 - len(b"Photoshop 3.0\0") - 12
FILLERS = (b"\x5a" * 64, b"\xa5" * 64)
"""What might follow the last pixels: if these do not depend on it, they are all there."""

_ROOM = bytes(64)  # more zeros than a scan ends with


@dataclass
class JpegStructure:
    """The markers of a JPEG file.

    Attributes:
        frame: The marker of its frame header (SOF); None where it ends before.
        precision: Bits a sample.
        end: Where its end marker (EOI) is; None where there is none.
        has_all_scans: Whether the scans that have begun hold every coefficient to its last bit.
        has_profile: Whether there are segments of an ICC profile.
        extended_xmp: Bytes of XMP beyond the main packet.
        comments: Its comments.
        unknown: Kinds of application segments that are not known here.
        behind: Bytes behind its end, zeros left out.
    """

    frame: int | None = None
    precision: int = 0
    end: int | None = None
    has_all_scans: bool = False
    has_profile: bool = False
    extended_xmp: int = 0
    comments: list[bytes] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    behind: int = 0

    @property
    def kind(self) -> str:
        """The kind of its frame in words."""
        return _FRAMES.get(self.frame or 0, "unknown")

    @property
    def may_end_early(self) -> bool:
        """Whether zeros at the end of the last scan may be left out, as arithmetic coding does."""
        return self.frame in _ARITHMETIC


def structure(data: bytes) -> JpegStructure:
    """Read the markers of a JPEG file, as far as it goes."""
    found = JpegStructure()
    done: dict[int, set[int]] = {}
    at = 2
    while (match := _NEXT_MARKER.search(data, at)) is not None:
        marker, at = match[0][1], match.end()
        if marker == _END[1]:
            found.end = match.start()
            found.behind = len(data[at:].strip(b"\0"))
            break
        if marker in _STANDALONE or at + 2 > len(data):
            continue
        (length,) = struct.unpack_from(">H", data, at)
        segment, at = data[at + 2 : at + length], at + length
        if marker in _FRAMES and len(segment) >= 6 and found.frame is None:
            found.frame, found.precision = marker, segment[0]
            done = {component: set() for component in segment[6::3]}
        elif marker == _SCAN and segment:
            _scan(segment, done)
        elif marker == _COMMENT:
            found.comments.append(segment)
        elif marker in _APPLICATION:
            _application(marker - _APPLICATION[0], segment, found)
    found.has_all_scans = bool(done) and all(len(coefficients) == 64 for coefficients in done.values())
    return found


def _application(number: int, segment: bytes, found: JpegStructure) -> None:
    """Note what an application segment is."""
    if number == 1 and segment.startswith(_EXTENDED_XMP):
        found.extended_xmp += max(0, len(segment) - len(_EXTENDED_XMP) - 40)
    elif number == 2 and segment.startswith(b"ICC_PROFILE\0"):
        found.has_profile = True
    elif not segment.startswith(_KNOWN.get(number, ())):
        name = re.match(rb"[ -~]{0,40}", segment)
        kind = f"APP{number} {name[0].decode() if name else ''}".rstrip()
        if kind not in found.unknown:
            found.unknown.append(kind)


def _scan(header: bytes, done: dict[int, set[int]]) -> None:
    """Note which coefficients of which components a scan completes."""
    count = header[0]
    if len(header) < 4 + 2 * count:
        return
    first, last, bits = header[1 + 2 * count : 4 + 2 * count]
    if bits & 15 == 0:  # down to the last bit
        for component in header[1 : 1 + 2 * count : 2]:
            done.get(component, set()).update(range(first, last + 1))


def with_end(data: bytes, filler: bytes) -> bytes:
    """Return what stands before the end marker of a file with one, behind ``filler``."""
    return data.rstrip(b"\xff") + filler + _END


def without_room(data: bytes) -> bytes:
    """Return a file that lacks its end marker without room that a copy, stopped half-way, has not filled."""
    return data.rstrip(b"\0") if data.endswith(_ROOM) else data


def iptc_segment(resources: bytes) -> bytes:
    """Return the segment (APP13) that holds Photoshop's image resource blocks."""
    content = b"Photoshop 3.0\0" + resources
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
