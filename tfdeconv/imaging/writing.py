"""Write photographs, whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfdeconv.errors import FileError, ImageError, InvalidArgumentError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.atomic_file import check_free
from tfdeconv.imaging.formats.eight_bit import eight_bit
from tfdeconv.imaging.formats.jpeg import markers
from tfdeconv.imaging.formats.kind import ENDINGS
from tfdeconv.imaging.formats.metadata.exif import PREFIX, is_damaged, resized_exif
from tfdeconv.imaging.formats.metadata.icc import misfit
from tfdeconv.imaging.formats.metadata.iptc import resource_block
from tfdeconv.imaging.formats.metadata.xmp import resized_xmp
from tfdeconv.imaging.formats.png.colour import is_srgb
from tfdeconv.imaging.formats.png.deep_writing import write_deep_png
from tfdeconv.imaging.formats.png.writing import WithChunks, metadata_chunks
from tfdeconv.imaging.formats.tiff.writing import write_tiff
from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.storage import Place, place, whole_output

KINDS = ("PNG", "JPEG", "WebP", "TIFF")
"""The kinds of files that are written, as ``kind`` names them."""

SUFFIXES = tuple(ending for ending, kind in ENDINGS.items() if kind in KINDS)
"""Endings of file names that are read and written, in lower case."""

_LARGEST_SIDE = {"JPEG": 65500, "WebP": 16383}  # limits of libjpeg and of the WebP format
_WEBP_METHOD = (
    2  # Pillow's default, 4, saves 2 % of the file, takes 5 times as long and 0.6 GB for 100 megapixels
)
_FULL_CHROMA_FROM = 90  # the JPEG quality from which colour is not stored at half the resolution
_USUAL_DPI = ((72, 72), (96, 96), (1, 1))  # which say that nobody chose one
_MOST_JPEG_EXIF = 65533 - len(PREFIX)
_MOST_JPEG_DPI = 65535
_WEBP_ALPHA_BYTES = 34  # of memory a pixel that libwebp takes at most (measured: 12 where alpha is flat)
MOST_WEBP_ALPHA = 25_000_000
"""Pixels of the largest WebP picture with alpha that is written: upscaling in 2 GB in all."""


def check_target(
    path: str | os.PathLike[str] | Place,
    *,
    height: int,
    width: int,
    alpha: bool,
    overwrite: bool = False,
    kind: str | None = None,
) -> None:
    """Raise early what :func:`write_photograph` would raise for such a picture.

    Args:
        path: The file to be written.
        height: Height in pixels.
        width: Width in pixels.
        alpha: Whether the picture has an alpha channel.
        overwrite: Whether a file of that name may be replaced.
        kind: ``"PNG"``, ``"JPEG"``, ``"WebP"`` or ``"TIFF"``; None: by the ending of the name.

    Raises:
        ImageError: The name's ending is unknown, the format cannot hold the picture, the folder is
            missing or read-only, or the file exists.

    Example:
        >>> check_target("a.jpg", height=2, width=3, alpha=True)
        Traceback (most recent call last):
        ...
        tfdeconv.errors.ImageError: a.jpg cannot hold alpha (JPEG has none). Write PNG, WebP or TIFF.
    """
    target: Any = place(os.fspath(path)) if isinstance(path, str | os.PathLike) else path
    kind = kind or _kind(target)
    if alpha and kind == "JPEG":
        raise ImageError(f"{target} cannot hold alpha (JPEG has none). Write PNG, WebP or TIFF.")
    limit = _LARGEST_SIDE.get(kind)
    if limit is not None and max(height, width) > limit:
        raise ImageError(
            f"{target} cannot hold {width}x{height} pixels: a {kind} side ends at {limit}. Write PNG or TIFF."
        )
    if alpha and kind == "WebP" and height * width > MOST_WEBP_ALPHA:
        raise ImageError(
            f"{target} would need {_WEBP_ALPHA_BYTES * height * width / 1e9:.1f} GB of memory: libwebp takes "
            f"{_WEBP_ALPHA_BYTES} bytes a pixel for pictures with alpha, so those end at "
            f"{MOST_WEBP_ALPHA / 1e6:.0f} megapixels here. Write PNG or TIFF."
        )
    if isinstance(target, Path):
        if not target.parent.is_dir():
            raise ImageError(f"{target} cannot be written: the folder {target.parent} does not exist.")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise ImageError(f"{target} cannot be written: no permission to write to {target.parent}.")
    if hasattr(target, "exists"):
        try:
            check_free(target, overwrite=overwrite)
        except FileError as error:
            raise ImageError(str(error)) from error.__cause__


def write_photograph(
    photograph: Photograph,
    path: str | os.PathLike[str] | Place | BinaryIO,
    *,
    quality: int = 95,
    overwrite: bool = False,
    kind: str | None = None,
) -> tuple[str, ...]:
    """Write a photograph as PNG, JPEG, WebP or TIFF, by the ending of its name.

    Its metadata goes along as far as the format has a place for it; what has none is told. PNG and TIFF
    keep 16 bits; JPEG and WebP get 8. WebP has no grey: grey becomes RGB there.

    Args:
        photograph: What to write. Width and height in EXIF and XMP are brought up to date.
        path: The file, which appears when it is complete; a URL such as ``s3://bucket/a.png``
            (``storage`` extra); a place of :mod:`tfdeconv.imaging.storage`; or a file that is open for
            writing.
        quality: Of JPEG and WebP, 1 to 100. From 90 on, JPEG stores colour at full resolution.
        overwrite: Whether a file of that name may be replaced.
        kind: ``"PNG"``, ``"JPEG"``, ``"WebP"`` or ``"TIFF"``; None: by the ending of the name.

    Returns:
        What the file lacks of the photograph, if anything: each the rest of a sentence that begins with its
        name.

    Raises:
        ImageError: See :func:`check_target`; or the disk is full, or the like.
        InvalidArgumentError: ``quality`` or ``kind`` is out of its range.
        MissingExtraError: The ``image`` extra is not installed.

    Example:
        >>> import tempfile
        >>> from tfdeconv.imaging import read_photograph
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "deep.tif")
        ...     write_photograph(Photograph(np.full([2, 3, 3], 40_000, np.uint16)), path)
        ...     read_photograph(path).describe()
        ()
        '3x2 RGB, 16 bit'
    """
    if not 1 <= quality <= 100:
        raise InvalidArgumentError(f"quality must lie in 1 to 100; received {quality}.")
    if kind is not None and kind not in KINDS:
        raise InvalidArgumentError(f"kind must be one of {', '.join(KINDS)}; received {kind!r}.")
    target: Any = place(os.fspath(path)) if isinstance(path, str | os.PathLike) else path
    kind = kind or _kind(target)
    height, width = photograph.pixels.shape[:2]
    check_target(
        target, height=height, width=width, alpha=photograph.has_alpha, overwrite=overwrite, kind=kind
    )
    photograph = replace(
        photograph,
        exif=resized_exif(photograph.exif, width=width, height=height),
        xmp=resized_xmp(photograph.xmp, width=width, height=height),
    )
    photograph, notes = fitted(photograph, kind)
    try:
        with whole_output(target, overwrite=overwrite) as file:
            _encode(photograph, file, kind, quality)
    except ImageError as error:
        raise ImageError(f"{target} cannot be written: {error}") from error
    except FileError as error:
        raise ImageError(str(error)) from error
    return notes


def fitted(photograph: Photograph, kind: str) -> tuple[Photograph, tuple[str, ...]]:
    """Return a photograph without what a format has no place for, and notes about that.

    Example:
        >>> photograph = Photograph(np.zeros([1, 1, 3], np.uint8), iptc=b"records")
        >>> fitted(photograph, "WebP")[1]
        ('lacks what WebP has no place for: IPTC',)
    """
    notes = []
    profile = photograph.icc_profile
    if profile is not None:
        other = misfit(profile, colours=1 if photograph.pixels.shape[-1] <= 2 else 3)
        if other is not None:
            photograph = replace(photograph, icc_profile=None)
            notes.append(f"lacks the ICC profile, which is for {other} and does not fit the pixels")
        elif kind == "WebP" and photograph.pixels.shape[-1] <= 2:
            photograph = replace(photograph, icc_profile=None, pixels=_grey_to_srgb(photograph, profile))
            notes.append("is sRGB: the ICC profile is for grey, which WebP has not, and is applied")
    if kind == "TIFF" and photograph.exif is not None and is_damaged(photograph.exif):
        notes.append("lacks what is damaged of its EXIF")  # the others hold the block as it is
    lost = dict(_without_place(photograph, kind))
    if lost:
        nothing: dict[str, Any] = {name: _NOTHING.get(name) for name in lost}
        photograph = replace(photograph, **nothing)
        if "text" in lost and kind == "JPEG" and "Comment" in lost["text"][1]:
            photograph = replace(photograph, text={"Comment": lost["text"][1]["Comment"]})
        notes.append(f"lacks what {kind} has no place for: {', '.join(what for what, _ in lost.values())}")
    return photograph, tuple(notes)


_NOTHING: dict[str, Any] = {"colour": {}, "text": {}}


def _without_place(photograph: Photograph, kind: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Names of attributes that a format cannot hold, with what they are in words, and their values."""
    if kind == "PNG":
        return
    limits = {"exif": _MOST_JPEG_EXIF, "xmp": markers.MOST_XMP, "iptc": markers.MOST_IPTC}
    for name, words in (("exif", "EXIF"), ("xmp", "XMP"), ("iptc", "IPTC")):
        packet = getattr(photograph, name)
        if packet is None:
            continue
        if kind == "WebP" and name == "iptc":
            yield name, (words, packet)
        elif kind == "JPEG" and len(packet) > limits[name]:
            yield name, (f"{words} of {len(packet):,} bytes (it ends at {limits[name]:,})", packet)
    if photograph.colour and not (photograph.icc_profile is None and is_srgb(photograph.colour)):
        yield "colour", (f"the colour chunks {', '.join(photograph.colour)}", photograph.colour)
    comments = [keyword for keyword in photograph.text if kind != "JPEG" or keyword != "Comment"]
    if comments:
        yield "text", (f"comments ({', '.join(comments)})", photograph.text)
    dpi = None if photograph.exif is not None else photograph.dpi
    if kind == "WebP" and dpi is not None and tuple(map(round, dpi)) not in _USUAL_DPI:
        yield "dpi", ("the resolution", photograph.dpi)
    if kind == "JPEG" and not all(1 <= round(one) <= _MOST_JPEG_DPI for one in photograph.dpi or ()):
        yield "dpi", ("the resolution", photograph.dpi)


def _grey_to_srgb(photograph: Photograph, profile: bytes) -> Any:
    """8-bit sRGB pixels of a grey picture, through its profile."""
    pillow = require("PIL.Image", extra="image", feature="Writing photographs")
    cms = require("PIL.ImageCms", extra="image", feature="Writing photographs")
    pixels = eight_bit(photograph.pixels)
    try:
        colour = cms.profileToProfile(
            pillow.fromarray(np.ascontiguousarray(pixels[..., 0])),
            io.BytesIO(profile),
            cms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except cms.PyCMSError:
        colour = pillow.fromarray(np.ascontiguousarray(pixels[..., 0])).convert("RGB")
    return np.concatenate([np.asarray(colour), pixels[..., 1:]], axis=-1)


def _encode(photograph: Photograph, file: BinaryIO, kind: str, quality: int) -> None:
    if kind == "TIFF":
        write_tiff(photograph, file)
    elif kind == "PNG" and photograph.pixels.dtype == np.uint16:
        write_deep_png(photograph, file)
    else:
        _write_8_bit(photograph, file, kind, quality)


def _kind(target: Any) -> str:
    found = ENDINGS.get(getattr(target, "suffix", "").lower())
    if found not in KINDS:
        raise ImageError(f"{target} must end in one of {', '.join(SUFFIXES)}, which choose the format.")
    return found


def _write_8_bit(photograph: Photograph, file: BinaryIO, kind: str, quality: int) -> None:
    pillow = require("PIL.Image", extra="image", feature="Writing photographs")
    pixels = eight_bit(photograph.pixels)
    image = pillow.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if kind == "PNG":
        image.save(WithChunks(file, metadata_chunks(photograph)), "PNG")
        return
    options: dict[str, Any] = {"quality": quality, "icc_profile": photograph.icc_profile}
    if photograph.exif is not None:
        options["exif"] = PREFIX + photograph.exif
    if photograph.xmp is not None:
        options["xmp"] = photograph.xmp
    if kind == "WebP":
        options |= {"exact": True, "method": _WEBP_METHOD}
    else:
        options["subsampling"] = 0 if quality >= _FULL_CHROMA_FROM else 2
        if photograph.dpi is not None:
            options["dpi"] = photograph.dpi
        if photograph.iptc is not None:
            options["extra"] = markers.iptc_segment(resource_block(photograph.iptc))
        if "Comment" in photograph.text:
            options["comment"] = photograph.text["Comment"].encode()[:65533]
    try:
        image.save(file, kind.upper(), **options)
    except ValueError as error:  # something that the format has no room for
        raise ImageError(f"{kind} cannot hold this picture: {error}.") from error
