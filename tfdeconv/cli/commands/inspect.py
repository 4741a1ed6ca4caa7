"""``tfdeconv inspect``: what a SavedModel holds, and what a device lacks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfdeconv import version_folders
from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import NotFoundError

if TYPE_CHECKING:
    from tfdeconv.serving.models.inspection import SignatureReport
    from tfdeconv.serving.models.saved_model_proto import TensorSpec


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  tfdeconv inspect models/upscaler
  tfdeconv inspect models/upscaler/1 --device gpu
  tfdeconv inspect models/upscaler --for-serving 2.19""",
)
@click.argument("folder", metavar="SAVED_MODEL", type=PATH)
@click.option(
    "--device",
    type=click.Choice(["cpu", "gpu"]),
    default="cpu",
    show_default=True,
    help="Look for kernels of this device. No such device is needed.",
)
@click.option(
    "--tags",
    metavar="TAGS",
    default="serve",
    show_default=True,
    help="Tags of the graph, separated by commas.",
)
@click.option(
    "--for-serving",
    metavar="RELEASE",
    help="Say whether the operations are in TensorFlow Serving of this release, such as 2.19.",
)
def command(folder: Path, *, device: str, tags: str, for_serving: str | None) -> None:
    """List the signatures, operations and parameters of a SavedModel.

    SAVED_MODEL is a version folder (it holds saved_model.pb), or a model folder, whose newest version
    is taken. Operations for which the device has no kernel run on the CPU; what they read and write is
    copied from the device and back. Signatures that are alike are listed once.
    """
    import_tensorflow()
    from tfdeconv.serving.models import inspection, operations_since

    release = None if for_serving is None else operations_since.release(for_serving)
    path = version_folders.saved_model(folder)
    if path is None:
        raise NotFoundError(
            f"{str(folder)!r} is no SavedModel: neither a version folder, which holds saved_model.pb, nor a "
            "folder of numbered versions."
        )
    report = inspection.inspect(path, device=device.upper(), tags=tags.split(","), for_serving=release)
    click.echo(shown(path))
    click.echo(f"written by TensorFlow {report.tensorflow_version or '(not recorded)'}")
    click.echo(f"{report.parameters:,} parameters, {report.parameter_bytes / 1e3:,.1f} kB")
    for names, lines in _alike(report.signatures, device, for_serving).items():
        click.echo(f"\nsignature {names}")
        click.echo("\n".join(lines))


def _alike(signatures: Sequence[SignatureReport], device: str, release: str | None) -> dict[str, list[str]]:
    """Return what is to be printed of each signature, by the names of all that it is true of."""
    names: dict[tuple[str, ...], list[str]] = {}
    for report in signatures:
        names.setdefault((*_lines(report, device), *_release_lines(report, release)), []).append(
            report.signature.name
        )
    return {f"{', '.join(those)}  ({head})": lines for (head, *lines), those in names.items()}


def _lines(report: SignatureReport, device: str) -> Iterator[str]:
    signature = report.signature
    yield signature.method_name
    for kind, specs in (("input", signature.inputs), ("output", signature.outputs)):
        for alias, spec in specs.items():
            yield f"  {kind:<6}  {alias}: {_describe(spec)}"
    yield f"  types   {', '.join(report.dtypes)}"
    total = sum(report.operations.values())
    yield f"  operations ({total} of {len(report.operations)} kinds)"
    for name, count in report.operations.items():
        yield f"    {count:>4}  {name}{_lacking(report, name, device)}"
    if report.missing:
        missing = f"{len(report.missing)} of {len(report.operations)} kinds"
        yield f"  {device.upper()}: no kernel for {missing}; the CPU does that work"
    else:
        yield f"  {device.upper()}: every kind has a kernel"


def _release_lines(report: SignatureReport, release: str | None) -> Iterator[str]:
    if release is None:
        return
    if not report.unknown:
        yield f"  TensorFlow Serving {release}: has every operation"
        return
    yield f"  TensorFlow Serving {release} does not run:"
    yield from (f"    {name}: {reason}" for name, reason in report.unknown.items())


def _lacking(report: SignatureReport, operation: str, device: str) -> str:
    if operation not in report.missing:
        return ""
    types = report.missing[operation]
    return f"  <- no {device.upper()} kernel" + (f" for {types}" if types else "")


def _describe(spec: TensorSpec) -> str:
    import tensorflow as tf

    shape = "?" if spec.shape is None else ", ".join("?" if size < 0 else str(size) for size in spec.shape)
    return f"{tf.dtypes.as_dtype(spec.dtype).name} [{shape}]"
