"""``tfdeconv upscale``: enlarge photographs, with everything that their files say about them."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tfdeconv.cli.bulk.options import check_places, engine_of, engine_options
from tfdeconv.cli.bulk.run import check_writable, run, without_drafts
from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH, PLACE
from tfdeconv.cli.upscaling.jobs import ENDINGS, LeftOut, find
from tfdeconv.cli.upscaling.network import NetworkChoice
from tfdeconv.cli.upscaling.photograph import Settings
from tfdeconv.cli.upscaling.target_size import target_size
from tfdeconv.cli.upscaling.worker import UpscaleWorker
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.formats.kind import ENDINGS as KINDS
from tfdeconv.imaging.storage import STREAM, Place

_TILE = 320  # DEFAULT_TILE of tfdeconv.zoo.pictures.upscaling, which is not imported for --help


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
  tfdeconv upscale scan.tif -o larger.tif --server grpc://localhost:8500
\b
  # very many, by four processes; the same line goes on after a stop
  tfdeconv upscale photos/ -o s3://larger/2026 \\
      --engine ray --workers 4 --resume"""
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
    help="fine shows more detail and takes about three times as long.",
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
    type=PATH,
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
    "servers",
    multiple=True,
    metavar="URL",
    help="Let a served model do the work: grpc://HOST:8500 or http://HOST:8501. Given several times, or as "
    "grpc+dns://NAME:8500, several servers share it.",
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
@engine_options("local", "ray")
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
    servers: Sequence[str],
    model: str | None,
    concurrency: int,
    headers: Sequence[str],
    ca: str | None,
    engine: str,
    address: str | None,
    workers: int | None,
    resume: bool,
) -> None:
    """Enlarge photographs: PNG, JPEG, WebP and TIFF files, or whole folders of them.

    BMP, GIF, AVIF, JPEG 2000, HEIC and JPEG XL are read, too, and become PNG. INPUT and OUT may be URLs such
    as s3://bucket/folder, or - for a pipe.

    Grey stays grey, 16 bits stay 16 bits, transparency, EXIF data, XMP, IPTC and colour profiles come
    along. Each file appears when it is complete. A file that cannot be done is reported, the others are
    done all the same, and the exit code is 1. With --engine ray or --resume, OUT/failures.jsonl holds the
    path and the reason of each.
    """
    if servers and weights is not None:
        raise InvalidArgumentError("--weights are for networks of this process; --server has its own.")
    if not servers and model is not None:
        if not model.endswith(".keras"):
            raise InvalidArgumentError(
                f"--model {model} is no .keras file. Give the path of one, or --server for a served model."
            )
        if weights is not None:
            raise InvalidArgumentError("--weights and --model exclude each other. Give one of them.")
    others = {"--server": servers or None, "--model": model, "--weights": weights}
    other = next((option for option, value in others.items() if value is not None), None)
    if other is not None and (quality, source) not in [("fast", "auto"), ("fast", "clean")]:
        raise InvalidArgumentError(
            "--quality and --source choose among the networks that come with tfdeconv; "
            f"{other} is another one."
        )
    for flag, given in (("--skip-existing", skip_existing), ("--resume", resume)):
        if overwrite and given:
            raise InvalidArgumentError(f"--overwrite and {flag} exclude each other. Give one of them.")
    chosen = engine_of(engine, address, workers)
    check_places(chosen, [*inputs, output])
    if chosen.name == "ray":  # its processes may stand elsewhere
        inputs, output = [_absolute(path) for path in inputs], _absolute(output)
        weights = weights and weights.absolute()
        model = model and (model if servers else str(Path(model).absolute()))
    size = target_size(scale, width, height, fit)
    found = find(
        inputs,
        output,
        compare=compare,
        ending=None if format_ is None else ENDINGS[format_],
        look=not overwrite and (skip_existing or resume or chosen.name == "ray"),
    )
    _tell_left_out(found.left_out)
    if output is STREAM and sys.stdout.isatty():
        raise InvalidArgumentError(
            "-o - writes a picture; send it to a file or a program, as in -o - > a.png."
        )
    folder = None if [job.target for job in itertools.islice(found.jobs, 2)] == [output] else output
    if folder is not None:
        check_writable(folder)
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
    )
    choice = NetworkChoice(tuple(servers), model, weights, concurrency, tuple(headers), ca)
    on_ray = chosen.name == "ray"
    worker = functools.partial(UpscaleWorker, settings, choice, repeated=on_ray)
    report_in = folder if on_ray or resume else None
    skip = skip_existing or resume
    with without_drafts(folder if resume else None):
        done = run(found.jobs, worker, engine=chosen, command=command, skip=skip, report_in=report_in)
    if found.left_out.closed or not done:
        raise SystemExit(1)


def _absolute(path: Any) -> Any:
    return path.absolute() if isinstance(path, Path) else path


def _tell_left_out(left_out: LeftOut) -> None:
    for folder in left_out.closed:
        click.echo(f"tfdeconv: error: {shown(folder)}.", err=True)
    if left_out.count:
        names = ", ".join(shown(file) for file in left_out.first)
        more = left_out.count - len(left_out.first)
        what = "1 picture is" if left_out.count == 1 else f"{left_out.count} pictures are"
        also = f" and {more} more" if more else ""
        click.echo(f"tfdeconv: note: {what} left out and not read: {names}{also}.", err=True)
