"""``tfdeconv upscale``: enlarge photographs, with everything that their files say about them."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.cli.upscale_jobs import Job, jobs
from tfdeconv.errors import ImageError, InvalidArgumentError, TfdeconvError
from tfdeconv.imaging import check_target, read_photograph, write_photograph
from tfdeconv.imaging.comparison import comparison

_TILE = 320  # DEFAULT_TILE of tfdeconv.zoo.upscaling, which is not imported for --help


@click.command(
    epilog="""\b
Examples:
  # one photograph, twice the size
  tfdeconv upscale photo.jpg -o larger.jpg
\b
  # a folder, four times the size, with pictures that compare before and after
  tfdeconv upscale holiday/ -o holiday-x4/ --scale 4 --compare
\b
  # through a server
  tfdeconv upscale scan.tif -o larger.tif --server grpc://localhost:8500"""
)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="File to write, if INPUT is one file; else a folder, which is made if missing.",
)
@click.option(
    "--scale",
    type=float,
    default=2,
    show_default=True,
    metavar="FACTOR",
    help="How much larger; any number above 1, up to 16. 2, 3 and 4 are the networks' own.",
)
@click.option(
    "--tile",
    type=int,
    default=_TILE,
    show_default=True,
    metavar="PIXELS",
    help="Side of the pieces that the network sees. Smaller needs less memory; the result is the same.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    metavar="1-100",
    default=95,
    show_default=True,
    help="Of JPEG and WebP files.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights (.npz) of `tfdeconv train`.  [default: those that come with tfdeconv]",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.option(
    "--compare",
    is_flag=True,
    help="Also write NAME-compare.png: before and after, with a part of it enlarged.",
)
@click.option(
    "--server",
    metavar="URL",
    help="Let a served model do the work: grpc://HOST:8500 or http://HOST:8501.",
)
@click.option(
    "--model", default="upscaler", show_default=True, metavar="NAME", help="Name of the served model."
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="Most tiles in flight to the server.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Sent to the server, e.g. 'authorization: Bearer ...'. May be repeated.",
)
@click.option("--ca", metavar="FILE", help="PEM certificates to trust for grpcs:// and https://.")
def command(
    inputs: Sequence[Path],
    output: Path,
    scale: float,
    tile: int,
    quality: int,
    weights: Path | None,
    overwrite: bool,
    compare: bool,
    server: str | None,
    model: str,
    concurrency: int,
    headers: Sequence[str],
    ca: str | None,
) -> None:
    """Enlarge photographs: PNG, JPEG, WebP and TIFF files, or whole folders of them.

    Grey stays grey, 16 bits stay 16 bits, transparency, EXIF data and colour profiles come along. Each
    file appears when it is complete. A file that cannot be done is reported, the others are done all the
    same, and the exit code is 1.
    """
    if server is not None and weights is not None:
        raise InvalidArgumentError("--weights are for networks of this process; --server has its own.")
    todo = jobs(inputs, output, compare=compare)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # the errors say what matters
    import_tensorflow()
    from tfdeconv.zoo.pictures.upscaling import FACTORS, passes

    with contextlib.ExitStack() as stack:
        network: Any = None
        if server is not None:
            network = stack.enter_context(_served(server, model, concurrency, headers, ca))
        elif weights is not None:
            network = _trained(scale, weights)
        passes(scale, FACTORS if network is None else (network.scale,))  # raises before any work
        failures = 0
        for job in todo:
            try:
                click.echo(_upscale(job, scale, network, tile, quality, overwrite, compare))
            except ImageError as error:
                failures += 1
                click.echo(f"tfdeconv: error: {error}", err=True)
            except InvalidArgumentError as error:  # a tile too small for what this picture needs
                failures += 1
                click.echo(f"tfdeconv: error: {job.source}: {error}", err=True)
            except TfdeconvError:
                raise  # the same for every file
            except Exception as error:
                if os.environ.get("TFDECONV_TRACEBACK"):
                    raise
                failures += 1
                reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                click.echo(f"tfdeconv: unforeseen error: {job.source}: {reason}", err=True)
    if failures:
        if len(todo) > 1:
            click.echo(f"{len(todo) - failures} of {len(todo)} files done, {failures} failed.", err=True)
        raise SystemExit(1)


@contextlib.contextmanager
def _served(url: str, model: str, concurrency: int, headers: Sequence[str], ca: str | None) -> Iterator[Any]:
    """The network behind a URL."""
    from tfdeconv.cli.connection import open_client
    from tfdeconv.zoo import ServedNetwork

    with open_client(url, model=model, timeout=60.0, headers=headers, ca=ca) as client:
        yield ServedNetwork(client, concurrency=concurrency)


def _trained(scale: float, weights: Path) -> Any:
    """The network of a training run, for the least of the factors that reach ``scale``."""
    from tfdeconv.zoo import LocalNetwork, load_upscaler
    from tfdeconv.zoo.pictures.upscaling import FACTORS

    factor = min((factor for factor in FACTORS if factor >= scale), default=max(FACTORS))
    return LocalNetwork(load_upscaler(factor, weights=weights), factor)


def _upscale(
    job: Job, scale: float, network: Any, tile: int, quality: int, overwrite: bool, compare: bool
) -> str:
    """Do one photograph and return a line about it."""
    from tfdeconv.zoo import upscale
    from tfdeconv.zoo.pictures.upscaling import output_size

    start = time.perf_counter()
    photograph = read_photograph(job.source)
    height, width = (output_size(side, scale) for side in photograph.pixels.shape[:2])
    _make_folder(job.target.parent)
    check_target(job.target, height=height, width=width, alpha=photograph.has_alpha, overwrite=overwrite)
    if compare:
        check_target(job.comparison, height=1, width=1, alpha=False, overwrite=overwrite)
    with _progress_bar(job.source.name, height * width) as progress:
        pixels = upscale(photograph.pixels, scale, network=network, tile=tile, progress=progress)
    upscaled = photograph.with_pixels(pixels)
    sheet = comparison(photograph, upscaled) if compare else None
    del photograph  # encoders need room
    write_photograph(upscaled, job.target, quality=quality, overwrite=overwrite)
    if sheet is not None:
        write_photograph(sheet, job.comparison, overwrite=overwrite)
    seconds = time.perf_counter() - start
    speed = height * width / 1e6 / seconds
    name = click.format_filename(job.target)
    return f"{name}: {upscaled.describe()}, {seconds:.1f} s, {speed:.2f} MP/s"


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"the folder {path} cannot be made: {error.strerror}.") from error


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
