"""``tfdeconv predict``: send files through a served model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from tfdeconv.cli import tensor_files
from tfdeconv.cli.bulk.options import engine_of, engine_options
from tfdeconv.cli.connection import connection_options, open_client
from tfdeconv.cli.predicting.folders import predict_folders
from tfdeconv.client import Metadata, Signature
from tfdeconv.errors import FileError, InvalidArgumentError

_DEFAULT = "serving_default"
_IMAGE_BYTES = "serve_image_bytes"
_PRINTED = 100  # numbers; more than fit on a screen are summed up


@click.command(
    epilog="""\b
Examples:
  # a photograph through an upscaler
  tfdeconv predict grpc://localhost:8500 --model upscaler \\
      --input photo.jpg --output bigger.png
\b
  # an array in, an array out
  tfdeconv predict http://localhost:8501 --model upscaler \\
      --input batch.npy --output upscaled.npy
\b
  # a model with two inputs, results printed
  tfdeconv predict grpc://localhost:8500 --model mixer --version 2 \\
      --input left=a.npy --input right=b.npy
\b
  # the label maps of a folder, by two processes
  tfdeconv predict exports/fcn --engine ray --workers 2 \\
      --input photos/ --output label_map_bytes=labels/ --resume
\b
What a model takes:  tfdeconv status URL --model NAME --signatures"""
)
@click.argument("urls", nargs=-1, required=True, metavar="URL...|SAVED_MODEL")
@click.option("--model", metavar="NAME", help="Name of the served model.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE",
    help="A picture (.png, .jpg, .webp, .tif), an array (.npy), or any file for an input that takes strings. "
    "NAME= is needed, once for each, where the model has several inputs. With --engine local or ray, a "
    "folder of pictures.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Where to write a result: a picture, or .npy for an array; with --engine local or ray, a folder. "
    " [default: print it]",
)
@click.option(
    "--signature",
    metavar="NAME",
    help=f"Signature to run.  [default: {_IMAGE_BYTES} for an upright .png or .jpg that is to become a .png, "
    f"if the model has it; else {_DEFAULT}]",
)
@click.option("--version", type=int, metavar="N", help="Version of the model.  [default: the newest]")
@click.option("--label", metavar="LABEL", help="Label of the version, instead of --version.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["png", "npy"]),
    default="png",
    show_default=True,
    help="Of the files that are written into folders.",
)
@connection_options
@engine_options("server", "local", "ray")
def command(
    urls: Sequence[str],
    model: str | None,
    version: int | None,
    timeout: float,
    headers: Sequence[str],
    ca: str | None,
    label: str | None,
    inputs: Sequence[str],
    outputs: Sequence[str],
    signature: str | None,
    format_: str,
    engine: str,
    address: str | None,
    workers: int | None,
    resume: bool,
) -> None:
    """Send files through a model that the server at URL serves, or folders through a SavedModel.

    URL is grpc://HOST:8500 or http://HOST:8501 (grpcs:// and https:// for TLS): a server started with
    `tfdeconv serve`, or TensorFlow Serving. Pictures are sent as they are to a signature that takes
    encoded images; to one that takes floats they are sent as RGB in [0, 1]. Of several URLs the first server
    that can be reached answers.

    With --engine local or ray there is no server: each picture of the --input folders goes through
    SAVED_MODEL, by this process or by those of Ray, and the --output folders, which hold as many files,
    keep the structure. OUT/failures.jsonl holds the path and the reason of each picture that failed.
    """
    by = engine_of(engine, address, workers)
    if by.name != "server":
        served = {"--model": model, "--version": version, "--label": label, "--ca": ca, "--header": headers}
        for option, value in served.items():
            if value:
                raise InvalidArgumentError(f"{option} is for a server; received --engine {engine}.")
        if len(urls) > 1:
            raise InvalidArgumentError(f"--engine {engine} takes one SavedModel; received {', '.join(urls)}.")
        if not predict_folders(urls[0], inputs, outputs, signature, format_, by, command, resume=resume):
            raise SystemExit(1)
        return
    if resume:
        raise InvalidArgumentError("--resume is for --engine local or ray; received --engine server.")
    if model is None and Path(urls[0]).is_dir():
        raise InvalidArgumentError(f"{urls[0]} is a folder; a SavedModel goes with --engine local or ray.")
    if model is None:
        raise InvalidArgumentError("--model is missing: the name of the model that the server serves.")
    sources, targets = _named(inputs, "--input"), _named(outputs, "--output")
    for path in sources.values():
        if not path.is_file():
            raise FileError(f"--input {path}: there is no such file.")
    for path in targets.values():
        if not path.parent.is_dir():
            raise FileError(f"--output {path}: there is no folder {path.parent}.")
    with open_client(urls, model=model, timeout=timeout, headers=headers, ca=ca) as client:
        metadata = client.metadata(version=version, label=label)
        name = signature or _default_signature(metadata, sources, targets)
        chosen = metadata.signature(name)
        tensors = _read(sources, chosen, name)
        wanted = _choose_outputs(targets, chosen, name)
        start = time.perf_counter()
        results = client.predict(tensors, version=version, label=label, signature=name)
        seconds = time.perf_counter() - start
    batch = None  # unknown of arrays that were made elsewhere
    if len(sources) == 1 and all(path.suffix.lower() != ".npy" for path in sources.values()):
        batch = tensor_files.has_batch(chosen.inputs[next(iter(tensors))])
    for key, path in wanted.items():
        click.echo(tensor_files.write(path, results[key], key, batch=batch))
        if doubt := tensor_files.doubt(path, results[key], key):
            click.echo(f"hint: {doubt}", err=True)
    if not wanted:
        for key, array in results.items():
            click.echo(f"{key}: {_summary(array)}")
    click.echo(f"{model} version {metadata.version}, {name}: {seconds:.2f} s", err=True)


def _named(values: Sequence[str], option: str) -> dict[str | None, Path]:
    """Return name to path for ``[NAME=]FILE`` values; the name of a bare path is None."""
    named: dict[str | None, Path] = {}
    for value in values:
        name, equals, path = value.partition("=")
        is_named = bool(equals) and "/" not in name and not Path(value).exists()
        key, file = (name, path) if is_named else (None, value)
        if key in named:
            raise InvalidArgumentError(
                f"{option} {value}: give each file its own name, as in {option} NAME=FILE."
            )
        named[key] = Path(file)
    if None in named and len(named) > 1:
        raise InvalidArgumentError(f"{option} {named[None]} needs a name, as in {option} NAME=FILE.")
    return named


def _default_signature(
    metadata: Metadata, sources: Mapping[str | None, Path], targets: Mapping[str | None, Path]
) -> str:
    if _IMAGE_BYTES not in metadata.signatures or None not in sources:
        return _DEFAULT
    if not set(targets) - {None} <= set(metadata.signature(_IMAGE_BYTES).outputs):
        return _DEFAULT  # other names are those of the default signature
    a_png = all(path.suffix.lower() == ".png" for path in targets.values())
    return _IMAGE_BYTES if a_png and tensor_files.can_be_sent_encoded(sources[None]) else _DEFAULT


def _read(sources: Mapping[str | None, Path], signature: Signature, name: str) -> dict[str, NDArray[Any]]:
    takes = f"Signature {name!r} is {signature}"
    if None in sources:
        if len(signature.inputs) != 1:
            raise InvalidArgumentError(f"{takes}; name the files, as in --input NAME=FILE.")
        sources = {next(iter(signature.inputs)): sources[None]}
    tensors = {}
    for key, path in sources.items():
        if key is None or key not in signature.inputs:
            raise InvalidArgumentError(f"--input {key}={path}: there is no input {key!r}. {takes}.")
        tensors[key] = tensor_files.read(path, signature.inputs[key])
    return tensors


def _choose_outputs(targets: Mapping[str | None, Path], signature: Signature, name: str) -> dict[str, Path]:
    gives = f"Signature {name!r} is {signature}"
    if None in targets:
        if len(signature.outputs) != 1:
            raise InvalidArgumentError(f"{gives}; name the files, as in --output NAME=FILE.")
        return {next(iter(signature.outputs)): targets[None]}
    for key, path in targets.items():
        if key not in signature.outputs:
            raise InvalidArgumentError(f"--output {key}={path}: there is no output {key!r}. {gives}.")
    return {str(key): path for key, path in targets.items()}


def _summary(array: NDArray[Any]) -> str:
    """Return small results whole, and of large ones what they are."""
    what = f"{'string' if array.dtype == object else array.dtype} {list(array.shape)}"
    if array.dtype == object:
        return f"{what}, {sum(map(len, array.reshape(-1))):,} bytes"
    if array.size > _PRINTED:
        return f"{what}, values from {array.min():.6g} to {array.max():.6g}"
    return f"{what}\n{array}"
