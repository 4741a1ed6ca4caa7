"""Colours and figures: one palette for all pictures, told apart by colour-blind readers too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from tfdeconv.errors import InvalidArgumentError

# Okabe and Ito 2008, "Color universal design".
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#222222", "#9A9A9A"
STAMPS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Colours of neighbouring stamps, in turn."""

INPUT, KERNEL, INSERTED, CROPPED = "#CDE4F4", "#CDEBDF", "#FFFFFF", "#EFEFEF"
"""Fills of input samples, taps, inserted zeros and cropped samples."""

FORMATS = (".png", ".svg", ".pdf")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches.

    Example:
        >>> new_figure(2, 1).get_size_inches()
        array([2., 1.])
    """
    figure = Figure(figsize=(width, height), dpi=120, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)  # inches
    return figure


def count_colours(most: int) -> Any:
    """Return the colour map of counts 0 .. ``most``: white, then darker with each tap.

    Example:
        >>> count_colours(2)(0)[:3] == (1.0, 1.0, 1.0)
        True
    """
    ramp = mpl.colormaps["YlOrBr"]
    steps = [ramp(0.15 + 0.4 * (count - 1) / max(most - 1, 1)) for count in range(1, most + 1)]
    return ListedColormap([(1.0, 1.0, 1.0, 1.0), *steps])


def diverging_colours() -> Any:
    """Return the colour map of signed values: blue, white, orange.

    Example:
        >>> bool(min(diverging_colours()(0.5)) > 0.95)
        True
    """
    return mpl.colormaps["PuOr_r"]


def text_colour(fill: Any) -> str:
    """Return black or white, whichever is read better on ``fill`` (an RGB colour).

    Example:
        >>> text_colour((1, 1, 1)), text_colour((0, 0, 0.4))
        ('#222222', 'white')
    """
    red, green, blue = mpl.colors.to_rgb(fill)
    return BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF, by the ending of ``path``.

    The same figure gives the same bytes.

    Raises:
        InvalidArgumentError: Another ending, or a folder that does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(new_figure(2, 1), f"{folder}/empty.png").name
        'empty.png'
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InvalidArgumentError(
            f"path must end in {', '.join(FORMATS)}; received {str(path)!r}. Animations are written by "
            "figures.animate."
        )
    check_folder(path)
    dates = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with mpl.rc_context({"svg.hashsalt": "tfdeconv", "svg.fonttype": "none"}):
        figure.savefig(path, metadata=dates[path.suffix.lower()])
    return path


def check_folder(path: Path) -> None:
    """Raise InvalidArgumentError where the folder of ``path`` does not exist.

    Example:
        >>> check_folder(Path("picture.png"))
    """
    if not path.parent.is_dir():
        raise InvalidArgumentError(
            f"the folder of {str(path)!r} must exist. Make it first, or choose another path."
        )
