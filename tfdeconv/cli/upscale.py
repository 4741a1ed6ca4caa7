"""``tfdeconv upscale``: enlarge photographs, with everything that their files say about them."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tfdeconv.cli.messages import error_line, one_line, shown
from tfdeconv.cli.place import PLACE
from tfdeconv.cli.target_size import target_size
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.cli.upscale_jobs import ENDINGS, Job, find
from tfdeconv.cli.upscale_photograph import Settings, upscale_photograph
from tfdeconv.errors import FileError, InvalidArgumentError, TfdeconvError
from tfdeconv.imaging.formats.kind import ENDINGS as KINDS
from tfdeconv.imaging.storage import STREAM, Place

_TILE = 320  # DEFAULT_TILE of tfdeconv.zoo.pictures.upscaling, which is not imported for --help
_NAMED = 10  # files that are left out, by name


def _quality(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value in ("fast", "fine"):
        return value
    hint = f" How well written files are kept is --file-quality {value}." if value.isdecimal() else ""
    raise click.BadParameter(f"must be fast or fine; received {value}.{hint}")


@click.command(
    epilog="""\b
Examples:
  # one photograph, twice the size
  tfdeconv upscale photo.jpg -o larger.jpg
\b
  # a folder, four times the size, with pictures that compare before and after
  tfdeconv upscale holiday/ -o holiday-x4/ --scale 4 --compare
\b
  # as large as a screen, from one program to another
  scan | tfdeconv upscale - -o - --fit 3840x2160 --format jpg | upload
\b
  # through a server
  tfdeconv upscale scan.tif -o larger.tif --server grpc://localhost:8500"""
)
@click.argument("inputs", nargs=-1, required=True, type=PLACE, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=PLACE,
    metavar="OUT",
    help="File to write, if INPUT is one file; else a folder, which is made if missing. - is a pipe.",
)
@click.option(
    "--scale",
    type=float,
    metavar="FACTOR",
    help="How much larger; any number above 1, up to 16. 2, 3 and 4 are the networks' own.  [default: 2]",
)
@click.option(
    "--width",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Width of the result, instead of --scale. Its height follows, if --height does not say it.",
)
@click.option(
    "--height",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Height of the result; its width follows, if --width does not say it.",
)
@click.option(
    "--fit",
    metavar="WIDTHxHEIGHT",
    help="Largest size of the same shape within this box, such as 1920x1080; 1920x or x1080 bounds one side.",
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
    callback=_quality,
    metavar="fast|fine",
    default="fast",
    show_default=True,
    help="Of the enlargement. fine shows more and takes about three times as long.",
)
@click.option(
    "--source",
    type=click.Choice(["auto", "clean", "jpeg"]),
    default="auto",
    show_default=True,
    help="jpeg repairs the traces of compression; auto does so for JPEG files where it shows.",
)
@click.option(
    "--file-quality",
    type=click.IntRange(1, 100),
    metavar="1-100",
    default=95,
    show_default=True,
    help="Of JPEG and WebP files that are written.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights (.npz) of `tfdeconv train`.  [default: those that come with tfdeconv]",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.option(
    "--skip-existing", is_flag=True, help="Leave photographs alone whose result exists: goes on after a stop."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(ENDINGS)),
    help="Kind of the files to write.  [default: as OUT ends, or as each input; png for a pipe, and for "
    "kinds that are only read]",
)
@click.option(
    "--first-frame",
    is_flag=True,
    help="Take the first picture of animations and of files with several pages.",
)
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
    "--model",
    metavar="MODEL",
    help="With --server, the name of the served model. Else a .keras file that enlarges RGB pictures.  "
    "[default: upscaler; the networks that come with tfdeconv]",
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
    inputs: Sequence[Place],
    output: Place,
    scale: float | None,
    width: int | None,
    height: int | None,
    fit: str | None,
    tile: int,
    quality: Any,
    source: Any,
    file_quality: int,
    weights: Path | None,
    overwrite: bool,
    skip_existing: bool,
    format_: str | None,
    first_frame: bool,
    compare: bool,
    server: str | None,
    model: str | None,
    concurrency: int,
    headers: Sequence[str],
    ca: str | None,
) -> None:
    """Enlarge photographs: PNG, JPEG, WebP and TIFF files, or whole folders of them.

    BMP, GIF, AVIF, JPEG 2000, HEIC and JPEG XL are read, too, and become PNG. INPUT and OUT may be URLs such
    as s3://bucket/folder, or - for a pipe.

    Grey stays grey, 16 bits stay 16 bits, transparency, EXIF data, XMP, IPTC and colour profiles come
    along. Each file appears when it is complete. A file that cannot be done is reported, the others are
    done all the same, and the exit code is 1.
    """
    if server is not None and weights is not None:
        raise InvalidArgumentError("--weights are for networks of this process; --server has its own.")
    if server is None and model is not None:
        if not model.endswith(".keras"):
            raise InvalidArgumentError(
                f"--model {model} is no .keras file. Give the path of one, or --server for a served model."
            )
        if weights is not None:
            raise InvalidArgumentError("--weights and --model exclude each other. Give one of them.")
    others = {"--server": server, "--model": model, "--weights": weights}
    other = next((option for option, value in others.items() if value is not None), None)
    if other is not None and (quality, source) not in [("fast", "auto"), ("fast", "clean")]:
        raise InvalidArgumentError(
            "--quality and --source choose among the networks that come with tfdeconv; "
            f"{other} is another one."
        )
    if overwrite and skip_existing:
        raise InvalidArgumentError("--overwrite and --skip-existing exclude each other. Give one of them.")
    size = target_size(scale, width, height, fit)
    found = find(inputs, output, compare=compare, ending=None if format_ is None else ENDINGS[format_])
    _tell_left_out(found.left_out)
    if output is STREAM and sys.stdout.isatty():
        raise InvalidArgumentError(
            "-o - writes a picture; send it to a file or a program, as in -o - > a.png."
        )
    todo = found.jobs
    if skip_existing:
        todo = [job for job in found.jobs if job.target is STREAM or not job.target.exists()]
        if there := len(found.jobs) - len(todo):
            click.echo(f"{there} of {len(found.jobs)} files are there already.", err=True)
    kind = KINDS[ENDINGS[format_]] if format_ is not None else "PNG" if output is STREAM else None
    settings = Settings(
        size,
        tile,
        quality,
        source,
        file_quality,
        kind,
        overwrite=overwrite,
        compare=compare,
        first_frame=first_frame,
        note=lambda place, note: click.echo(f"tfdeconv: note: {shown(place)} {one_line(note)}.", err=True),
    )
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # the errors say what matters
    import_tensorflow()
    from tfdeconv.zoo.pictures.source import check_scale
    from tfdeconv.zoo.pictures.upscaling import passes

    with contextlib.ExitStack() as stack:
        network: Any = None
        if server is not None:
            network = stack.enter_context(_served(server, model or "upscaler", concurrency, headers, ca))
        elif model is not None:
            network = _keras_network(Path(model))
        elif weights is not None:
            network = _trained(size.scale, weights)
        if size.scale is not None:  # both raise before any work
            if network is None:
                check_scale(size.scale, quality, source)
            else:
                passes(size.scale, (network.scale,))
        failures = sum(not _done(job, settings, network) for job in todo)
    if failures:
        if len(todo) > 1:
            click.echo(f"{len(todo) - failures} of {len(todo)} files done, {failures} failed.", err=True)
        raise SystemExit(1)


def _tell_left_out(files: Sequence[Any]) -> None:
    if files:
        names = ", ".join(shown(file) for file in files[:_NAMED])
        more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
        what = "1 picture is" if len(files) == 1 else f"{len(files)} pictures are"
        click.echo(f"tfdeconv: note: {what} left out and not read: {names}{more}.", err=True)


def _done(job: Job, settings: Settings, network: Any) -> bool:
    """Do one photograph and say so, or why not."""
    try:
        line = upscale_photograph(job, settings, network)
    except FileError as error:
        names = (job.source, job.target, *([job.comparison] if settings.compare else ()))
        click.echo(error_line(error, command, names=names), err=True)
        return False
    except InvalidArgumentError as error:  # a tile too small for what this picture needs, and the like
        click.echo(error_line(error, command, about=job.source), err=True)
        return False
    except TfdeconvError:
        raise  # the same for every file
    except Exception as error:
        if os.environ.get("TFDECONV_TRACEBACK"):
            raise
        reason = one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        click.echo(f"tfdeconv: unforeseen error: {shown(job.source)}: {reason}", err=True)
        return False
    click.echo(line, err=job.target is STREAM)
    return True


@contextlib.contextmanager
def _served(url: str, model: str, concurrency: int, headers: Sequence[str], ca: str | None) -> Iterator[Any]:
    """The network behind a URL."""
    from tfdeconv.cli.connection import open_client
    from tfdeconv.zoo import ServedNetwork

    try:
        opened = open_client(url, model=model, timeout=60.0, headers=headers, ca=ca)
    except InvalidArgumentError as error:
        raise type(error)(re.sub(r"^url\b", "--server", str(error))) from None
    with opened as client:
        yield ServedNetwork(client, concurrency=concurrency)


def _keras_network(path: Path) -> Any:
    """The network in a file of a user's."""
    from tfdeconv.cli.keras_file import load_keras_file
    from tfdeconv.zoo import KerasNetwork

    return KerasNetwork(load_keras_file(path, "--model"))


def _trained(scale: float | None, weights: Path) -> Any:
    """The network of a training run, for the least of the factors that reach ``scale``; any without one."""
    from tfdeconv.zoo import LocalNetwork, load_upscaler
    from tfdeconv.zoo.upscalers.chain import KERNEL_SIZES

    factors = tuple(KERNEL_SIZES)
    if scale is not None:
        factor = min((factor for factor in factors if factor >= scale), default=max(factors))
        return LocalNetwork(load_upscaler(factor, weights=weights, data_format="channels_last"), factor)
    for factor in factors:
        try:
            return LocalNetwork(load_upscaler(factor, weights=weights, data_format="channels_last"), factor)
        except InvalidArgumentError:
            if factor == factors[-1]:
                raise
    raise AssertionError("unreachable: the last factor returns or raises")
