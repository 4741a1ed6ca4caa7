"""``tfdeconv analyze``: the facts of a model's upsampling layers, as a table and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfdeconv.cli.keras_file import load_keras_file
from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.imaging.formats.atomic_file import draft_of

if TYPE_CHECKING:
    from tfdeconv.analysis import CheckerboardReport, LayerDescription


UNSEEN = 1e-6
"""Pattern energy of a constant output that no 8-bit image shows: an amplitude of a thousandth."""


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  tfdeconv analyze generator.keras
  tfdeconv analyze models/upscaler --input-shape 64x64x3 \\
      --report upscaler.html""",
)
@click.argument("model", type=PATH)
@click.option(
    "--input-shape",
    metavar="SHAPE",
    help="Shape of the input without the batch, such as 64x64x3.  [default: the model's, 32 for open sizes]",
)
@click.option(
    "--report",
    type=PATH,
    metavar="FILE",
    help="Where to write the HTML report.  [default: MODEL-analysis.html in this folder]",
)
@click.option("--no-report", is_flag=True, help="Print the table only.")
def command(model: Path, input_shape: str | None, report: Path | None, no_report: bool) -> None:
    """Find checkerboards and other facts of the upsampling layers of MODEL.

    MODEL is a .keras file, a SavedModel version folder, or a model folder, whose newest version is
    taken.

    The score of a layer is the amplitude of the pattern that it makes of a constant, relative to its
    output: 0 is none. Below a score above 0 stands the remedy that changes the kernel least. Last come
    how much of the pattern reaches the whole model's output, and whether the model runs on tiles
    exactly (tfdeconv.tiled), as far as a SavedModel says so.
    """
    shape = None if input_shape is None else _shape(input_shape)
    import_tensorflow()
    from tfdeconv import analysis

    loaded = None
    descriptions: tuple[LayerDescription, ...] = ()
    if model.suffix == ".keras" and model.is_file():
        loaded = load_keras_file(model, "MODEL")
        descriptions = analysis.describe_model(loaded, shape)
        found = analysis.checkerboard(loaded, shape)
    else:
        found = analysis.checkerboard(model, shape)
    click.echo("\n".join(_table(found, descriptions)))
    click.echo(f"\n{_tiles_of_folder(model) if loaded is None else _tiles(loaded)}")
    if not no_report:
        from tfdeconv.analysis.report.html_report import write_report

        path = report or Path(f"{model.resolve().stem}-analysis.html")
        if not path.parent.is_dir():
            raise FileError(f"--report {path}: there is no folder {path.parent}.")
        with draft_of(path, overwrite=True) as draft:
            write_report(draft, model.name, found, descriptions)
        click.echo(f"\nwrote {shown(path)}")


def _tiles(model: Any) -> str:
    """Whether a model has exact tiles, with their numbers, or why not."""
    from tfdeconv.tiling import Reach

    try:
        reach = Reach(model)
        halo, stride = _by(reach.halo), _by(reach.stride)
    except InvalidArgumentError as error:
        return f"tiles exactly: no, because {str(error).rstrip('.')}"
    return f"tiles exactly: yes, halo {halo}, stride {stride} (samples of the input)"


def _tiles_of_folder(path: Path) -> str:
    """What a SavedModel says of its tiles: it was asked when it was exported."""
    from tfdeconv.analysis.models.saved_graph import version_folder
    from tfdeconv.wire.tile_rule import FILE, TileRule

    file = version_folder(path) / "assets.extra" / FILE
    try:
        rule = TileRule.from_json(file.read_bytes())
    except FileNotFoundError:
        return "tiles exactly: not known; an export with tile= writes it into the folder"
    except (OSError, InvalidArgumentError) as error:
        return f"tiles exactly: not known, because {shown(file)} cannot be read: {str(error).rstrip('.')}"
    return (
        f"tiles exactly: yes, halo {_by(rule.halo)}, stride {_by(rule.stride)} (samples of the input), "
        f"up to {_by(rule.tile)} each"
    )


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split("x"))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise InvalidArgumentError(f"--input-shape must be sizes such as 64x64x3; received {text!r}.")
    return shape


def _table(report: CheckerboardReport, descriptions: tuple[LayerDescription, ...]) -> list[str]:
    if not len(report):
        return ["no upsampling layers found"]
    by_path = {description.path: description for description in descriptions}
    head = ("layer", "kind", "kernel", "stride", "output", "multiplications", "score", "cause")
    rows = [head]
    for layer in report:
        facts = by_path.get(layer.path)
        rows.append(
            (
                layer.path,
                layer.kind,
                _by(layer.kernel_size),
                _by(layer.strides),
                _by(facts.output_shape[1:]) if facts else "-",
                f"{facts.macs:,}" if facts and facts.macs is not None else "-",
                "-" if layer.check is None else f"{layer.score:.3f}",
                layer.cause,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row, layer in zip(rows, (None, *report), strict=True):
        lines.append("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if layer is not None and layer.fixes:
            fix = layer.fixes[0]
            lines.append(
                f"  remedy: {fix.advice} (kernel changes by {fix.change:.0%}, score {fix.after.score:.3f})"
            )
    if report.output is not None:
        lines.append("")
        lines.append(
            f"whole output: pattern energy {report.output.constant_energy:.1e} for a constant input, "
            f"{report.output.natural_energy:.1e} for natural noise"
        )
        if any(layer.fixes for layer in report) and report.output.constant_energy < UNSEEN:
            lines.append("the trained weights around those layers keep their pattern out of the output")
    return lines


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes)) or "-"
