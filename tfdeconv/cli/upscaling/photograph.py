"""One photograph of ``tfdeconv upscale``: read, enlarge, write."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from tfdeconv.cli.bulk.job_list import Job
from tfdeconv.cli.messages import shown
from tfdeconv.cli.native_output import native_output_dropped
from tfdeconv.cli.upscaling.target_size import TargetSize
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging import check_target, read_photograph, write_photograph
from tfdeconv.imaging.comparison import comparison
from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.storage import STREAM, make_folder
from tfdeconv.imaging.transfer import exponent_of, from_srgb_curve, remark, to_srgb_curve

_LONGEST_NAME = 24  # beside a bar


def _untold(place: Any, note: str) -> None:
    """Take a remark and do nothing with it."""


@dataclass(frozen=True)
class Settings:
    """What is the same for every photograph of a run.

    Attributes:
        size: How large photographs become.
        tile: Side of the pieces that the network sees.
        quality: Of the networks that tfdeconv ships, ``"fast"`` or ``"fine"``.
        source: What they are for, ``"clean"`` or ``"jpeg"``; ``"auto"``: what each photograph looks like.
        file_quality: Of JPEG and WebP files, 1 to 100.
        kind: Kind of the files, such as ``"JPEG"``; None: by the ending of their names.
        overwrite: Whether files may be replaced.
        compare: Whether a picture of before and after is written, too.
        first_frame: Whether the first picture of files with several is taken.
        note: Called with each remark on a photograph: the rest of a sentence that begins with a name, and
            that name.
    """

    size: TargetSize
    tile: int
    quality: Any = "fast"
    source: Any = "auto"
    file_quality: int = 95
    kind: str | None = None
    overwrite: bool = False
    compare: bool = False
    first_frame: bool = False
    note: Callable[[Any, str], object] = _untold


def upscale_photograph(job: Job, settings: Settings, network: Any) -> str:
    """Do one photograph and return a line about it.

    Args:
        job: What to read and what to write. A comparison is written before the photograph, so that this is
            there only if all is done.
        settings: How.
        network: What enlarges tiles; None: what tfdeconv ships.

    Raises:
        TfdeconvError: The photograph cannot be done.
    """
    from tfdeconv.zoo import upscale
    from tfdeconv.zoo.pictures.source import source_of
    from tfdeconv.zoo.pictures.upscaling import output_size

    start = time.perf_counter()
    with native_output_dropped():
        photograph = read_photograph(job.source, first_frame=settings.first_frame)
    remarks = remark(photograph)
    for note in (*photograph.notes, *([remarks] if remarks else ())):
        settings.note(job.source, note)
    before = photograph.pixels.shape[:2]
    size = settings.size.of(*before)
    scale = settings.size.scale
    height, width = size or tuple(output_size(side, scale or 1) for side in before)
    if job.target is not STREAM:
        make_folder(job.target.parent)
    check_target(
        job.target,
        height=height,
        width=width,
        alpha=photograph.has_alpha,
        overwrite=settings.overwrite,
        kind=settings.kind,
    )
    if settings.compare:
        check_target(job.comparison, height=1, width=1, alpha=False, overwrite=settings.overwrite)
    chosen = {"network": network}
    if network is None:
        source = source_of(photograph.jpeg_quality, settings.source)
        chosen = {"quality": settings.quality, "source": source}
    power = exponent_of(photograph)
    pixels = photograph.pixels
    if power is not None:
        pixels = to_srgb_curve(pixels, power, has_alpha=photograph.has_alpha)
    with _progress_bar(_shortened(shown(job.source.name)), height * width) as progress:
        try:
            pixels = upscale(pixels, scale, size=size, **chosen, tile=settings.tile, progress=progress)
        except InvalidArgumentError as error:
            message = re.sub(r"^size must be", f"{settings.size.options} must make it", str(error))
            raise InvalidArgumentError(message) from None
    if power is not None:
        pixels = from_srgb_curve(pixels, power, photograph.pixels.dtype, has_alpha=photograph.has_alpha)
    upscaled = photograph.with_pixels(pixels)
    if settings.compare:
        _write_comparison(photograph, upscaled, job, settings)
    del photograph  # encoders need room
    notes = write_photograph(
        upscaled, job.target, quality=settings.file_quality, overwrite=settings.overwrite, kind=settings.kind
    )
    for note in notes:
        settings.note(job.target, note)
    seconds = time.perf_counter() - start
    speed = height * width / 1e6 / seconds
    repaired = ", JPEG repaired" if chosen.get("source") == "jpeg" else ""
    return f"{shown(job.target)}: {upscaled.describe()}{repaired}, {seconds:.1f} s, {speed:.2f} MP/s"


def _write_comparison(before: Photograph, after: Photograph, job: Job, settings: Settings) -> None:
    write_photograph(comparison(before, after), job.comparison, overwrite=settings.overwrite)


def _shortened(name: str) -> str:
    """A name that leaves room for a bar in a window of 80 columns."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


@contextlib.contextmanager
def _progress_bar(name: str, pixels: int) -> Iterator[Any]:
    """Yield a callback that draws a bar in megapixels, where somebody is watching."""
    with tqdm(
        desc=name,
        total=pixels / 1e6,
        unit="MP",
        leave=False,
        disable=None,
        bar_format="{desc} {percentage:3.0f}% |{bar}| {n:.1f}/{total:.1f} MP, "
        "{rate_noinv_fmt}, {remaining} left",  # not s/MP where it is slow
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total / 1e6  # more than at first where there are two passes
            bar.update(done / 1e6 - bar.n)

        yield progress
