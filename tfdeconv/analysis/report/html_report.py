"""An HTML report of a model's upsampling layers, in one file that needs no network."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tfdeconv.analysis import figures
from tfdeconv.analysis.arithmetic.configuration import Configuration
from tfdeconv.analysis.checkerboards.checkerboard_report import CheckerboardReport, LayerCheckerboard
from tfdeconv.analysis.figures.layout import LARGEST
from tfdeconv.analysis.figures.style import check_folder
from tfdeconv.analysis.report.description import LayerDescription
from tfdeconv.geometry import ConvTransposeGeometry

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.6rem }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid #ddd; padding-top: 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top }
th { border-bottom: 2px solid #888 }
td { border-bottom: 1px solid #ddd }
figure { margin: 1rem 0 }
img { max-width: 100% }
.bad { color: #B34700; font-weight: 600 }
.good { color: #00608A }
"""


def write_report(
    path: str | Path,
    title: str,
    report: CheckerboardReport,
    descriptions: Sequence[LayerDescription] = (),
) -> Path:
    """Write what was found about a model as an HTML page with its figures inside.

    Args:
        path: File to write.
        title: Name of the model.
        report: From :func:`tfdeconv.analysis.checkerboard`.
        descriptions: From :func:`tfdeconv.analysis.describe_model`; empty for SavedModels.

    Returns:
        ``path``.

    Raises:
        InvalidArgumentError: The folder of ``path`` does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = write_report(f"{folder}/a.html", "empty", CheckerboardReport((), None))
        ...     "No upsampling layers" in page.read_text()
        True
    """
    path = Path(path)
    check_folder(path)
    by_path = {description.path: description for description in descriptions}
    parts = [f"<h1>Upsampling layers of {html.escape(title)}</h1>", *_overview(report)]
    for layer in report:
        parts += _layer(layer, by_path.get(layer.path))
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}: upsampling layers</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
    path.write_text(page, encoding="utf-8")
    return path


def _overview(report: CheckerboardReport) -> Iterable[str]:
    if not len(report):
        yield "<p>No upsampling layers were found.</p>"
        return
    yield _image(figures.checkerboard_scores(report), "Checkerboard score of each layer")
    if report.output is not None:
        yield (
            "<p>Of the energy of the model's whole output, this part is a pattern that repeats with its "
            f"upsampling: {report.output.constant_energy:.2e} for a constant input, "
            f"{report.output.natural_energy:.2e} for natural noise.</p>"
        )


def _layer(layer: LayerCheckerboard, description: LayerDescription | None) -> Iterable[str]:
    yield f"<h2>{html.escape(layer.path)}</h2>"
    facts = {"layer": layer.kind, "stride": _by(layer.strides)}
    if layer.kernel_size:
        facts["kernel"] = _by(layer.kernel_size)
    if description is not None:
        facts |= _facts(description)
    yield _table(("fact", "value"), facts.items())
    verdict = "bad" if layer.fixes else "good"
    if layer.check is None:
        yield f"<p>Checkerboard: not judged ({html.escape(layer.cause)}).</p>"
    else:
        yield (
            f'<p>Checkerboard score <span class="{verdict}">{layer.score:.3f} ({layer.cause})</span>; '
            f"pattern energy {layer.check.constant_energy:.2e} for a constant input, "
            f"{layer.check.natural_energy:.2e} for natural noise.</p>"
        )
    if layer.fixes:
        rows = (
            (
                fix.name,
                fix.advice,
                f"{fix.change:.0%}",
                f"{fix.after.score:.3f}",
                f"{fix.after.natural_energy:.1e}",
            )
            for fix in layer.fixes
        )
        yield "<p>Remedies, the one that changes the trained kernel least first:</p>"
        yield _table(("remedy", "write", "kernel changes by", "score after", "energy after, natural"), rows)
    if layer.fixes and layer.kernel is not None and len(layer.strides) <= 2:
        pattern = figures.checkerboard_pattern(layer.kernel, layer.strides)
        yield _image(pattern, "What a constant becomes, as it is and after each remedy (first filter)")
    small = None if description is None else _small(description.configuration)
    if small is not None:
        yield _image(figures.layout(small), "Its last axis for a small input, with a kernel of ones")


def _facts(description: LayerDescription) -> Mapping[str, str]:
    facts = {"shapes": f"{description.input_shape} to {description.output_shape}"}
    if description.configuration is not None:
        windows = ", ".join(f"[{lead}, {lead + size})" for lead, size in description.configuration.windows)
        facts["window"] = f"{windows} of {_by(description.configuration.full_size)}"
    if description.lowering is not None:
        facts["lowering"] = description.lowering
    if description.macs is not None:
        facts["multiplications"] = f"{description.macs:,}"
    facts["parameters"] = f"{description.parameters:,}"
    facts["memory"] = f"{description.memory:,} bytes for one image"
    for one in description.equivalents:
        facts[one.framework] = str(one)
    return facts


def _small(config: Configuration | None) -> Configuration | None:
    """The last axis with the same crops and few enough inputs to be read; None where none are."""
    if config is None:
        return None
    axis = config.axes[-1]
    geometry = ConvTransposeGeometry.of(
        axis.kernel_size, strides=axis.stride, dilation_rate=axis.dilation_rate
    )
    for size in range(min(axis.input_size, 4), 0, -1):
        (full,) = geometry.full_sizes((size,))
        after = min(axis.tail, full - axis.window.lead - 1)
        if full - min(after, 0) <= LARGEST:
            return Configuration(geometry.with_crops([(axis.window.lead, after)]), (size,))
    return None


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', head)}</tr>{body}</table>"


def _image(figure: Figure, caption: str) -> str:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    source = base64.b64encode(data.getvalue()).decode()
    text = html.escape(caption)
    image = f'<img alt="{text}" src="data:image/png;base64,{source}">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))
