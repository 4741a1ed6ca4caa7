"""Animations: the stamp view and the zero-insertion view of one transposed convolution, side by side."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter

from tfdeconv.analysis.arithmetic.configuration import Configuration
from tfdeconv.analysis.figures.layout import drawn_values
from tfdeconv.analysis.figures.moments import moments
from tfdeconv.analysis.figures.style import check_folder, new_figure
from tfdeconv.analysis.figures.views import ResultView, SlideView, StampView
from tfdeconv.errors import InvalidArgumentError, MissingExtraError
from tfdeconv.extras import require

MOST_FRAMES = 500
"""Input and output samples, together, up to which an animation is made: one frame each."""


def animate(
    config: Configuration,
    path: str | Path,
    x: Any = None,
    kernel: Any = None,
    *,
    frames_per_second: int = 2,
) -> Path:
    """Write an animation of a transposed convolution seen in two ways.

    First, each input in turn stamps the kernel, scaled by its value, onto the full output, which is
    shaded by the number of taps so far. Below, zeros are inserted between the inputs and the flipped
    kernel slides over them with stride 1; it fills the output, which is drawn beside the stamps (or
    below everything, where there is one axis). Each frame adds one stamp or one output sample, and an
    output sample is made as soon as everything that it consists of is stamped: the views show the same
    number for it.

    Args:
        config: From :func:`tfdeconv.analysis.configuration`, with one or two axes.
        path: File to write: ``.gif``, ``.html`` (one file with a player, which needs no network), or
            ``.mp4`` (needs the program ffmpeg).
        x: Input ``[*sizes]``; None: 1, 2, 3, ...
        kernel: Taps ``[*kernel_size]``; None: ones.
        frames_per_second: Speed.

    Returns:
        ``path``.

    Raises:
        InvalidArgumentError: The ending is unknown, or the configuration cannot be drawn.
        MissingExtraError: Pillow, or for ``.mp4`` the program ffmpeg, is not installed.

    Example:
        >>> import tempfile
        >>> from tfdeconv import analysis
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     animate(analysis.configuration(1, 2), f"{folder}/stamps.gif").name
        'stamps.gif'

    References:
        Dumoulin and Visin 2016, arXiv 1603.07285, whose animations show the zero-insertion view.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".gif", ".html", ".mp4"):
        raise InvalidArgumentError(f"path must end in .gif, .html or .mp4; received {str(path)!r}.")
    check_folder(path)
    if kind == ".mp4" and shutil.which("ffmpeg") is None:
        raise MissingExtraError(
            "Writing .mp4 needs the program ffmpeg, which is not on the PATH. Install it with your "
            "system's package manager, or write .gif or .html."
        )
    if kind != ".mp4":
        require("PIL", extra="figures", feature="Writing animations")
    values, taps = drawn_values(config, x, kernel)
    frames = math.prod(config.input_size) + math.prod(config.output_size)
    if frames > MOST_FRAMES:
        raise InvalidArgumentError(
            f"an animation has one frame for each input and each output sample, at most {MOST_FRAMES}; "
            f"received {frames}. Use a smaller input: the pattern repeats."
        )
    film = _film(config, values, taps, frames_per_second)
    if kind == ".html":
        with mpl.rc_context({"animation.embed_limit": 64}):
            page = film.to_jshtml(fps=frames_per_second, default_mode="loop")
        path.write_text(
            f"<!DOCTYPE html>\n<meta charset='utf-8'>\n{_without_downloads(page)}", encoding="utf-8"
        )
    else:
        film.save(
            path, dpi=90, writer=(PillowWriter if kind == ".gif" else FFMpegWriter)(fps=frames_per_second)
        )
    return path


def _film(config: Configuration, x: np.ndarray, kernel: np.ndarray, frames_per_second: int) -> FuncAnimation:
    """The animation; one axis is drawn as pictures of height 1, below one another."""
    one_axis = config.rank == 1
    if one_axis:
        config = Configuration(config.geometry.with_leading_axis, (1, *config.input_size))
        x, kernel = x[None], kernel[None]
    views = (StampView(config, x, kernel), SlideView(config, x, kernel), ResultView(config, x, kernel))
    heights, widths = zip(*(view.size for view in views), strict=True)
    if one_axis:
        figure = new_figure(max(4.5, 0.42 * (max(widths) + 1)), 4.4)
        panels = list(figure.subplots(3, 1))
    else:
        rows = (max(heights[0], heights[2]) + 2.2, heights[1] + 2.2)  # with title and text
        across = max(widths[0] + widths[2], widths[1]) + 2
        figure = new_figure(max(4.5, 0.42 * across), 0.42 * (sum(rows) + 0.5))
        places = figure.add_gridspec(2, 2, width_ratios=(widths[0], widths[2]), height_ratios=rows)
        panels = [figure.add_subplot(place) for place in (places[0, 0], places[1, :], places[0, 1])]
    for axes in panels:
        axes.set_axis_off()  # room for ticks would stay empty
    figure.draw_without_rendering()  # the layout is fixed once, or the picture would jump
    figure.set_layout_engine("none")
    order = moments(config)
    hold = max(2, round(1.5 * frames_per_second))  # frames for which the result stays

    def draw(frame: int) -> None:
        moment = order[min(frame, len(order) - 1)]
        for view, axes in zip(views, panels, strict=True):
            view.draw(axes, moment)

    return FuncAnimation(figure, draw, frames=len(order) + hold, init_func=lambda: None)


def _without_downloads(page: str) -> str:
    """Matplotlib's player without the icon font that it would fetch; its buttons get plain signs."""
    signs = {
        "fa-minus": "&minus;",
        "fa-fast-backward": "|&#9664;",
        "fa-step-backward": "&#8592;",
        "fa-play fa-flip-horizontal": "&#9664;",
        "fa-pause": "&#10073;&#10073;",
        "fa-play": "&#9654;",
        "fa-step-forward": "&#8594;",
        "fa-fast-forward": "&#9654;|",
        "fa-plus": "+",
    }
    page = re.sub(r"<link[^>]*>", "", page)
    for icon, sign in signs.items():
        page = page.replace(f'<i class="fa {icon}"></i>', sign)
    return page
