"""Read pictures with Pillow, and with the decoders of formats' makers where it gives up bits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError, MissingExtraError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.boxes import coded_colour, profile_of_jpeg_2000, xmp_of_boxes
from tfdeconv.imaging.formats.cmyk import cmyk_to_srgb
from tfdeconv.imaging.formats.deep_codecs import decode_deep, decode_jpeg_12_bit
from tfdeconv.imaging.formats.grey import without_colour
from tfdeconv.imaging.formats.jpeg import markers
from tfdeconv.imaging.formats.jpeg.quality import jpeg_quality
from tfdeconv.imaging.formats.metadata.exif import (
    block_of,
    block_of_tiff,
    orientation_of,
)
from tfdeconv.imaging.formats.metadata.iptc import (
    TIFF_RESOURCES_TAG,
    TIFF_TAG,
    iptc_of_tiff,
)
from tfdeconv.imaging.formats.metadata.xmp import orientation_of_xmp
from tfdeconv.imaging.photograph import Photograph

_PLUGINS = {"HEIC": "pillow_heif", "JPEG XL": "pillow_jxl"}  # Pillow's own formats need none
_PILLOW_FORMATS = {"HEIC": "HEIF", "JPEG XL": "JXL", "JPEG 2000": "JPEG2000", "WebP": "WEBP"}
# Pillow's modes -> the mode that holds the same picture in 8 bits a sample, without palettes and the like.
_PLAIN_MODES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "YCbCr": "RGB",
}
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}
_TURNED_BY_DECODERS = ("TIFF", "HEIC", "JPEG XL")  # whatever EXIF says


def read_with_pillow(file: BinaryIO, kind: str) -> tuple[Photograph, int, int]:
    """Read the first picture of a file.

    Args:
        file: Open for reading.
        kind: One of the kinds of :func:`tfdeconv.imaging.formats.kind.kind_of`.

    Returns:
        The photograph, its orientation, and how many pictures the file holds. Where the decoder turns
        pictures upright (TIFF, HEIC, JPEG XL), its orientation is 1.

    Raises:
        ImageError: The picture is of a sort that is not read.
    """
    pillow = _pillow_for(kind)
    file.seek(0)
    if kind == "JPEG":
        return _read_jpeg(file.read(), pillow)
    with _opened(file, kind, pillow) as image:
        frames = int(getattr(image, "n_frames", 1))
        data = b""
        if kind in ("AVIF", "HEIC", "JPEG 2000", "JPEG XL"):
            file.seek(0)
            data = file.read()
        exif, xmp, iptc = _packets(image, kind, data)
        deep = decode_deep(kind, data)
        if kind == "JPEG XL" and deep is not None and deep.shape[:2] != (image.height, image.width):
            frames, deep = len(deep), deep[0]
        profile = image.info.get("icc_profile") or None
        if kind == "JPEG 2000":
            profile = profile_of_jpeg_2000(data)
        notes: tuple[str, ...] = ()
        if deep is None:
            deep, profile, notes = _decode_8_bit(image, profile)
            if kind == "BMP" and deep.shape[2:] == (4,) and not deep[..., 3].any():
                deep = deep[..., :3]  # browsers do so, too: many programs leave these bytes at zero
                notes += ("would be wholly transparent; its alpha channel of zeros is left out",)
        colour = coded_colour(data) if kind in ("AVIF", "HEIC") and profile is None else None
        photograph = Photograph(
            deep if deep.ndim == 3 else deep[..., np.newaxis],
            icc_profile=profile,
            exif=exif,
            dpi=image.info.get("dpi"),
            xmp=xmp,
            iptc=iptc,
            colour={} if colour is None else {"cICP": colour},
            text=_text([image.info.get("comment") or b""]) if kind == "GIF" else {},
            notes=notes,
        )
        return photograph, 1 if kind in _TURNED_BY_DECODERS else _orientation(exif, xmp), frames


def _pillow_for(kind: str) -> Any:
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    if kind in _PLUGINS:
        try:
            plugin = require(_PLUGINS[kind], extra="formats", feature=f"Reading {kind} pictures")
        except MissingExtraError as error:  # not the same for every file
            raise ImageError(f"is a {kind} picture. {error}") from None
        if kind == "HEIC":
            plugin.register_heif_opener()
    return pillow


def _opened(file: BinaryIO, kind: str, pillow: Any) -> Any:
    try:
        return pillow.open(file, formats=[_PILLOW_FORMATS.get(kind, kind)])
    except pillow.UnidentifiedImageError:
        article = "an" if kind == "AVIF" else "a"
        raise ImageError(
            f"begins as {article} {kind} file does, and goes on as none that is read: it is damaged, cut off "
            "or of a rare sort."
        ) from None
    except RuntimeError as error:  # of JPEG XL's plugin, with advice for those who build it
        raise ImageError(f"is a {kind} file that is damaged or cut off.") from error


def _read_jpeg(data: bytes, pillow: Any) -> tuple[Photograph, int, int]:
    structure = markers.structure(data)
    if structure.end is None:
        data = markers.without_room(data)
    notes: list[str] = []
    if structure.frame is not None and structure.frame not in markers.READABLE:
        raise ImageError(f"is a JPEG of a kind that is not read ({structure.kind}). Convert it first.")
    if structure.frame is None:
        raise ImageError("is cut off or damaged: a JPEG whose picture does not begin.")
    if structure.precision not in (8, 12):
        raise ImageError(f"holds {structure.precision}-bit samples; JPEG of 8 and of 12 bits is read.")
    readable = data
    if structure.precision == 12:  # of which Pillow reads the metadata if it does not see the depth
        at = data.index(bytes([0xFF, structure.frame]))
        readable = data[: at + 4] + b"\x08" + data[at + 5 :]
    body = data[: structure.end]
    if structure.end is None:
        data, readable = (markers.with_end(one, b"") for one in (data, readable))
        notes.append("lacks its end marker; every pixel is there")
    with _opened(io.BytesIO(readable), "JPEG", pillow) as image:
        profile = image.info.get("icc_profile") or None
        if structure.precision == 12:
            pixels: NDArray[Any] = decode_jpeg_12_bit(data)
            _check_pixels_are_there(pixels, body, structure, pillow)
            if pixels.shape[2:] == (4,):
                raise ImageError(
                    "holds CMYK pixels of 12 bits; only grey and RGB are read. Convert it first."
                )
        else:
            _check_pixels_are_there(np.asarray(image), body, structure, pillow)
            pixels, profile, more = _decode_8_bit(image, profile)
            notes.extend(more)
        exif, xmp, iptc = _packets(image, "JPEG", b"")
        further = int(getattr(image, "n_frames", 1)) - 1
        if further:  # a camera's multi-picture file (MPO)
            notes.append(
                f"holds {further} more picture{'s' * (further > 1)}, a preview or gain map; left out"
            )
        elif structure.behind:
            notes.append(
                f"goes on behind its picture for {structure.behind:,} bytes, such as a motion photo's video; "
                "they are left out"
            )
        if structure.extended_xmp:
            notes.append(f"holds extended XMP ({structure.extended_xmp:,} bytes), which is left out")
        if structure.has_profile and not image.info.get("icc_profile"):
            notes.append("has an ICC profile of which parts are missing; it is left out")
        if structure.unknown:
            notes.append(
                f"has segments that are not known here and are left out: {', '.join(structure.unknown)}"
            )
        photograph = Photograph(
            pixels if pixels.ndim == 3 else pixels[..., np.newaxis],
            icc_profile=profile,
            exif=exif,
            dpi=image.info.get("dpi"),
            xmp=xmp,
            iptc=iptc,
            text=_text(structure.comments),
            jpeg_quality=jpeg_quality(image.quantization),
            notes=tuple(notes),
        )
    return photograph, _orientation(exif, xmp), 1


def _check_pixels_are_there(
    pixels: NDArray[Any], body: bytes, structure: markers.JpegStructure, pillow: Any
) -> None:
    """Raise unless the pixels of a file are the same whatever follows its body in place of the end marker."""
    if structure.end is not None and structure.may_end_early:
        return
    if structure.end is not None or structure.has_all_scans:
        fillers = markers.FILLERS if structure.end is None else markers.FILLERS[:1]
        others = (_pixels_of_jpeg(markers.with_end(body, one), structure, pillow) for one in fillers)
        if all(np.array_equal(pixels, other) for other in others):
            return
    raise ImageError("is cut off or damaged: pixels are missing at its end.")


def _pixels_of_jpeg(data: bytes, structure: markers.JpegStructure, pillow: Any) -> NDArray[Any]:
    if structure.precision == 12:
        return decode_jpeg_12_bit(data)
    with _opened(io.BytesIO(data), "JPEG", pillow) as image:
        return np.asarray(image)


def _packets(image: Any, kind: str, data: bytes) -> tuple[bytes | None, bytes | None, bytes | None]:
    """EXIF block, XMP packet and IPTC records."""
    xmp = xmp_of_boxes(data) if kind in ("JPEG 2000", "JPEG XL") else image.info.get("xmp")
    iptc = None
    if kind == "TIFF":
        xmp = image.tag_v2.get(700) or xmp
        iptc = iptc_of_tiff(image.tag_v2.get(TIFF_TAG), image.tag_v2.get(TIFF_RESOURCES_TAG))
        try:
            exif = block_of_tiff(image.getexif())
        except Exception:  # whatever the parser trips over; the pixels may be fine
            exif = None
    else:
        exif = block_of(image.info.get("exif"))
    if kind == "JPEG":
        resources = image.info.get("photoshop")
        iptc = resources.get(0x0404) if isinstance(resources, dict) else None
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return exif, xmp.rstrip(b"\0") or None if isinstance(xmp, bytes) else None, iptc or None


def _orientation(exif: bytes | None, xmp: bytes | None) -> int:
    """EXIF's, or XMP's where there is no EXIF."""
    if exif is not None:
        return orientation_of(exif)
    return orientation_of_xmp(xmp) if xmp is not None else 1


def _text(comments: Sequence[bytes]) -> dict[str, str]:
    """Comments as one text, each from a line of its own on."""
    lines = [_decoded(comment.strip(b"\0 ")) for comment in comments]
    text = "\n".join(line for line in dict.fromkeys(lines) if line)
    return {"Comment": text} if text else {}


def _decoded(comment: bytes) -> str:
    try:
        return comment.decode()
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def _decode_8_bit(
    image: Any, icc_profile: bytes | None
) -> tuple[NDArray[Any], bytes | None, tuple[str, ...]]:
    """Pixels, the profile that holds for them, and notes."""
    if image.mode == "CMYK":
        pixels, notes = cmyk_to_srgb(image, icc_profile)
        return pixels, None, notes
    if image.mode not in _PLAIN_MODES:
        raise ImageError(f"holds {image.mode} pixels; only grey, RGB and CMYK are read. Convert it first.")
    mode = _PLAIN_MODES[image.mode]
    if "transparency" in image.info:
        mode = _WITH_ALPHA.get(mode, mode)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if image.mode == "P" and icc_profile is None:  # a profile of palettes is for RGB
        pixels = without_colour(pixels)
    return pixels, icc_profile, ()
