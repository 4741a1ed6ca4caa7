"""Read pictures with Pillow, and with the decoders of formats' makers where it gives up bits."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError, MissingExtraError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.boxes import coded_colour, profile_of_jpeg_2000, xmp_of_boxes
from tfdeconv.imaging.formats.deep_codecs import decode_deep, decode_jpeg_12_bit
from tfdeconv.imaging.formats.jpeg import markers
from tfdeconv.imaging.formats.jpeg.quality import jpeg_quality
from tfdeconv.imaging.formats.metadata.exif import (
    ORIENTATION,
    block_of,
    block_of_tiff,
    legal_orientation,
    orientation_of,
)
from tfdeconv.imaging.formats.metadata.icc import misfit
from tfdeconv.imaging.formats.metadata.iptc import (
    TIFF_RESOURCES_TAG,
    TIFF_TAG,
    iptc_of_png,
    iptc_of_tiff,
    raw_profile,
)
from tfdeconv.imaging.formats.metadata.xmp import orientation_of_xmp
from tfdeconv.imaging.formats.png import chunks
from tfdeconv.imaging.formats.png.deep import decode_deep_png
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
_OLD_EXIF = ("Raw profile type exif", "Raw profile type APP1")  # ImageMagick's, before PNG had a chunk for it


def read_with_pillow(file: BinaryIO, kind: str) -> tuple[Photograph, int, int]:
    """Read the first picture of a file.

    Args:
        file: Open for reading.
        kind: One of the kinds of :func:`tfdeconv.imaging.formats.kind.kind_of`.

    Returns:
        The photograph as it lies in the file, its orientation, and how many pictures the file holds. TIFF
        pictures are upright already.

    Raises:
        ImageError: The picture is of a sort that is not read.
    """
    pillow = _pillow_for(kind)
    file.seek(0)
    if kind == "JPEG":
        return _read_jpeg(file.read(), pillow)
    with _opened(file, kind, pillow) as image:
        frames = int(getattr(image, "n_frames", 1))
        turned = _tiff_orientation(image) if kind == "TIFF" else 1  # Pillow turns TIFF as it decodes
        if kind == "PNG":
            return _read_png(file, image), _png_orientation(file), frames
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
        colour = coded_colour(data) if kind in ("AVIF", "HEIC") and profile is None else None
        photograph = Photograph(
            deep if deep.ndim == 3 else deep[..., np.newaxis],
            icc_profile=profile,
            exif=exif,
            dpi=image.info.get("dpi"),
            xmp=xmp,
            iptc=iptc,
            colour={} if colour is None else {"cICP": colour},
            text=_comment(image) if kind == "GIF" else {},
            notes=notes,
        )
        if kind in _TURNED_BY_DECODERS:
            return photograph, turned, frames
        return photograph, _orientation(exif, xmp), frames


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
        raise ImageError(
            f"begins as a {kind} file does, and goes on as none; it is damaged or cut off."
        ) from None


def _read_png(file: BinaryIO, image: Any) -> Photograph:
    facts = chunks.read_facts(file)
    notes: tuple[str, ...] = ()
    profile = image.info.get("icc_profile") or None
    if facts.bit_depth == 16:
        file.seek(0)
        pixels: NDArray[Any] = decode_deep_png(file.read())
        if pixels.ndim == 2:
            pixels = pixels[..., np.newaxis]
    elif facts.colour_type == 3:
        pixels, profile, notes = _decode_8_bit(image, profile)
    else:
        mode = _PLAIN_MODES[image.mode]
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
        pixels = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    if facts.transparent is not None and pixels.shape[-1] in (1, 3):
        pixels = _with_alpha(pixels, facts.transparent, facts.bit_depth)
    xmp = facts.text.get(chunks.XMP_KEYWORD)
    if facts.unknown:
        notes += (f"has chunks that are not known here and are left out: {', '.join(facts.unknown)}",)
    raw = tuple(keyword for keyword in facts.text if keyword.startswith("Raw profile type "))
    return Photograph(
        pixels,
        icc_profile=profile,
        exif=_png_exif(facts),
        dpi=image.info.get("dpi"),
        xmp=xmp.encode() if xmp else None,
        iptc=iptc_of_png(facts.text),
        colour=facts.colour,
        text={key: text for key, text in facts.text.items() if key not in (chunks.XMP_KEYWORD, *raw)},
        notes=notes,
    )


def _with_alpha(pixels: NDArray[Any], transparent: tuple[int, ...], bit_depth: int) -> NDArray[Any]:
    """Pixels with an alpha channel: 0 for the colour that a tRNS chunk names, as samples of the file."""
    most = np.iinfo(pixels.dtype).max
    key = np.array(transparent) * (most // ((1 << bit_depth) - 1))
    opaque = (pixels != key.astype(pixels.dtype)).any(axis=-1, keepdims=True)
    return np.concatenate([pixels, np.where(opaque, most, 0).astype(pixels.dtype)], axis=-1)


def _png_exif(facts: chunks.PngFacts) -> bytes | None:
    if facts.exif is not None:
        return block_of(facts.exif)
    return next((block_of(raw_profile(facts.text[name])) for name in _OLD_EXIF if name in facts.text), None)


def _png_orientation(file: BinaryIO) -> int:
    facts = chunks.read_facts(file)
    xmp = facts.text.get(chunks.XMP_KEYWORD)
    return _orientation(_png_exif(facts), xmp.encode() if xmp else None)


def _read_jpeg(data: bytes, pillow: Any) -> tuple[Photograph, int, int]:
    structure = markers.structure(data)
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
    if not structure.has_end:
        _check_pixels_are_there(data, structure, pillow)
        data, readable = (markers.with_end(one, b"") for one in (data, readable))
        notes.append("lacks its end marker; every pixel is there")
    with _opened(io.BytesIO(readable), "JPEG", pillow) as image:
        profile = image.info.get("icc_profile") or None
        if structure.precision == 12:
            pixels: NDArray[Any] = decode_jpeg_12_bit(data)
            if pixels.shape[2:] == (4,):
                raise ImageError(
                    "holds CMYK pixels of 12 bits; only grey and RGB are read. Convert it first."
                )
        else:
            pixels, profile, more = _decode_8_bit(image, profile)
            notes.extend(more)
        exif, xmp, iptc = _packets(image, "JPEG", b"")
        further = int(getattr(image, "n_frames", 1)) - 1
        if further:  # a camera's multi-picture file (MPO)
            notes.append(
                f"holds {further} more picture{'s' * (further > 1)}, a preview or gain map; left out"
            )
        if structure.extended_xmp:
            notes.append(f"holds extended XMP ({structure.extended_xmp:,} bytes), which is left out")
        photograph = Photograph(
            pixels if pixels.ndim == 3 else pixels[..., np.newaxis],
            icc_profile=profile,
            exif=exif,
            dpi=image.info.get("dpi"),
            xmp=xmp,
            iptc=iptc,
            text=_comment(image),
            jpeg_quality=jpeg_quality(image.quantization),
            notes=tuple(notes),
        )
    return photograph, _orientation(exif, xmp), 1


def _check_pixels_are_there(data: bytes, structure: markers.JpegStructure, pillow: Any) -> None:
    """Raise unless the pixels of a file without an end are the same whatever follows."""
    if structure.has_all_scans:
        seen = []
        for filler in markers.FILLERS:
            whole = markers.with_end(data, filler)
            if structure.precision == 12:
                seen.append(decode_jpeg_12_bit(whole))
            else:
                with pillow.open(io.BytesIO(whole), formats=["JPEG"]) as image:
                    seen.append(np.asarray(image))
        if all(np.array_equal(seen[0], other) for other in seen[1:]):
            return
    raise ImageError("is cut off or damaged: pixels are missing at its end.")


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


def _tiff_orientation(image: Any) -> int:
    return legal_orientation(image.tag_v2.get(ORIENTATION, 1))


def _comment(image: Any) -> dict[str, str]:
    comment = image.info.get("comment")
    if not isinstance(comment, bytes) or not comment.strip(b"\0 "):
        return {}
    try:
        return {"Comment": comment.decode().rstrip("\0")}
    except UnicodeDecodeError:
        return {"Comment": comment.decode("latin-1").rstrip("\0")}


def _decode_8_bit(
    image: Any, icc_profile: bytes | None
) -> tuple[NDArray[Any], bytes | None, tuple[str, ...]]:
    """Pixels, the profile that holds for them, and notes."""
    if image.mode == "CMYK":
        pixels, notes = _cmyk_to_srgb(image, icc_profile)
        return np.asarray(pixels), None, notes
    if image.mode not in _PLAIN_MODES:
        raise ImageError(f"holds {image.mode} pixels; only grey, RGB and CMYK are read. Convert it first.")
    mode = _PLAIN_MODES[image.mode]
    if "transparency" in image.info:
        mode = _WITH_ALPHA.get(mode, mode)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if image.mode == "P" and icc_profile is None and _is_grey(pixels):  # a profile of palettes is for RGB
        pixels = pixels[..., 2:]  # blue, and alpha where there is one
    return pixels, icc_profile, ()


def _is_grey(pixels: NDArray[Any]) -> bool:
    red, green, blue = (pixels[..., channel] for channel in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


def _cmyk_to_srgb(image: Any, icc_profile: bytes | None) -> tuple[Any, tuple[str, ...]]:
    if icc_profile is None:
        return image.convert("RGB"), ()
    cms = require("PIL.ImageCms", extra="image", feature="Reading CMYK pictures")
    other = misfit(icc_profile, colours=4)
    if other is None:
        try:
            srgb = cms.createProfile("sRGB")
            return cms.profileToProfile(image, io.BytesIO(icc_profile), srgb, outputMode="RGB"), ()
        except cms.PyCMSError:
            other = "CMYK that cannot be used"
    note = f"has an ICC profile for {other}, which does not fit its CMYK pixels; it is left out"
    return image.convert("RGB"), (note,)
