"""What the pictures show: cells, colours, numbers and outlines, in the artists and in the pixels."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter

import keras
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from tfdeconv import analysis
from tfdeconv.analysis import figures
from tfdeconv.analysis.figures import style
from tfdeconv.analysis.figures.layout import full_output
from tfdeconv.analysis.figures.moments import Moment, moments
from tfdeconv.errors import InvalidArgumentError, MissingExtraError


def pixels(figure):
    """The figure as an RGB array."""
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return np.asarray(Image.open(data).convert("RGB")).astype(int)


def area(image, colour, tolerance=6):
    """How many pixels have a colour."""
    return int((np.abs(image - np.round(np.array(to_rgb(colour)) * 255)).max(axis=-1) <= tolerance).sum())


def texts(axes):
    """The texts of an axes that lie in cells."""
    return [text.get_text() for text in axes.texts]


def cells(axes):
    """Filled unit squares: (row, column) -> patch."""
    return {
        (round(patch.get_y()), round(patch.get_x())): patch
        for patch in axes.patches
        if isinstance(patch, Rectangle) and patch.get_fill() and patch.get_width() == 1
    }


SEED = analysis.configuration((2, 2), 3, strides=2, padding="same")


def test_layout_shows_the_numbers_of_the_seeds_example():
    """Input 1 to 4, nine ones, and the full 5x5 output, of which 4x4 are kept."""
    source, kernel, output = figures.layout(SEED).axes
    assert texts(source)[1:] == ["1", "2", "3", "4"]
    assert texts(kernel)[1:] == ["1"] * 9
    kept = [text.get_text() for text in output.texts[1:]]
    assert [kept[row * 5 : row * 5 + 4] for row in range(4)] == [
        ["1", "1", "3", "2"],
        ["1", "1", "3", "2"],
        ["4", "4", "10", "6"],
        ["3", "3", "7", "4"],
    ]


def test_layout_shades_by_overlap_and_hatches_what_is_cropped():
    """Equal counts have equal fills, more taps are darker, and the cropped row and column are hatched."""
    output = cells(figures.layout(SEED).axes[2])
    counts = analysis.overlap((2, 2), 3, strides=2).counts
    assert len(output) == 25
    for (row, column), patch in output.items():
        assert bool(patch.get_hatch()) == (row == 4 or column == 4)
    fills = {}
    for at, patch in output.items():
        if not patch.get_hatch():
            fills.setdefault(counts[at], set()).add(patch.get_facecolor())
    assert all(len(colours) == 1 for colours in fills.values())
    lightness = [sum(fills[count].pop()[:3]) for count in sorted(fills)]
    assert lightness == sorted(lightness, reverse=True)


def test_layout_pixels():
    """The drawn areas are in the ratio of the cells: 4 input samples, 9 taps, 9 : 6 : 1 by overlap."""
    image = pixels(figures.layout(SEED))
    colours = style.count_colours(4)
    one, two, four = (area(image, colours(count)[:3]) for count in (1, 2, 4))
    assert one > two > four > 500
    assert area(image, style.KERNEL) > 1.5 * area(image, style.INPUT) > 1000
    assert not np.any(image[0] < 250), "the picture has a white margin, so that nothing is cut off"


def test_layout_of_one_axis_has_a_row_for_each_stamp():
    """Products in rows, their sum below, the window framed from its lead on."""
    config = analysis.configuration(3, 3, strides=2, padding=1, output_padding=1)
    (axes,) = figures.layout(config, [1.0, 2.0, 3.0], [1.0, 10.0, 100.0]).axes
    shown = Counter(texts(axes))
    for product in ("10", "100", "20", "200", "30", "300"):
        assert product in shown
    assert "output: samples 1 to 6" in shown
    frames = [p for p in axes.patches if isinstance(p, Rectangle) and not p.get_fill()]
    assert (frames[-1].get_x(), frames[-1].get_width()) == (1, 6)


def test_legend_names_what_is_there():
    """Counts that occur, and "cropped" where something is."""

    def labels(config):
        return [text.get_text() for text in figures.layout(config).legends[0].get_texts()]

    assert labels(SEED) == ["1 tap", "2 taps", "4 taps", "cropped"]
    assert labels(analysis.configuration(2, 2, strides=3, padding="valid")) == ["0 taps", "1 tap"]
    assert labels(analysis.configuration((2, 2), 2, strides=2)) == ["1 tap"]


def test_samples_past_the_end_are_drawn():
    """A window that passes the full output shows zeros there."""
    config = analysis.configuration(2, 2, strides=3, padding="valid")
    (axes,) = figures.layout(config).axes
    assert cells(axes)[(4, 5)].get_facecolor()[:3] == (1, 1, 1)


def test_colours_can_be_told_apart_without_red_and_green():
    """Simulated deuteranopia (Vienot et al. 1999) keeps neighbouring stamps and fills apart."""

    def seen(colour):
        red, green, blue = np.array(to_rgb(colour)) ** 2.2
        mixed = 0.29275 * red + 0.70725 * green
        return np.array([mixed, mixed, -0.02234 * red + 0.02234 * green + blue]).clip(0) ** (1 / 2.2)

    for first, second in zip(style.STAMPS, style.STAMPS[1:], strict=False):
        assert np.abs(seen(first) - seen(second)).max() > 0.15
    assert np.abs(seen(style.INPUT) - seen(style.KERNEL)).max() > 0.02
    assert np.abs(seen("red") - seen((0.54, 0.54, 0))).max() < 0.15, "the simulation confuses what it should"


def test_matrix_picture():
    """Every entry that is not zero is written, and coloured by its sign."""
    values = np.array([[1.0, 0.0], [-2.0, 0.5]])
    axes = figures.matrix(values).axes[0]
    assert set(texts(axes)) == {".5", "-2", "1"}
    image = pixels(figures.matrix(np.array([[1.0, -1.0]])))
    blueish = (image[..., 2] > image[..., 0] + 40).sum()
    orange = (image[..., 0] > image[..., 2] + 40).sum()
    assert blueish > 500
    assert orange > 500
    assert len(figures.matrix(np.eye(40)).axes[0].texts) == 0
    sparse = analysis.operator_matrix(np.ones(3), 4, sparse=True)
    with pytest.raises(InvalidArgumentError, match=r"dense matrix; .*tf\.sparse\.to_dense"):
        figures.matrix(sparse)


def test_pattern_picture_shows_the_checkerboard_and_its_end():
    """The kernel as it is varies, every remedy is one grey."""
    figure = figures.checkerboard_pattern(np.random.default_rng(0).uniform(size=(3, 3)), 2)
    before, *after = (axes.images[0].get_array() for axes in figure.axes)
    assert np.ptp(before) > 0.1
    np.testing.assert_array_equal(before[:2, :2], before[2:4, 4:6])
    assert len(after) == 4
    assert all(np.ptp(pattern) < 1e-9 for pattern in after)
    assert not np.any(pixels(figure)[0] < 250), "the titles are inside"


def test_score_picture():
    """Bars are as long as the scores, in the order of the layers."""
    image = keras.Input([16, 3])
    x = keras.layers.Conv1DTranspose(2, 3, strides=2, name="first")(image)
    x = keras.layers.UpSampling1D(2, name="second")(x)
    report = analysis.checkerboard(keras.Model(image, x))
    (axes,) = figures.checkerboard_scores(report).axes
    widths = [bar.get_width() for bar in axes.containers[0]][::-1]
    assert widths == [layer.score for layer in report]
    assert [label.get_text() for label in axes.get_yticklabels()][::-1] == ["first", "second"]


def test_field_pictures():
    """The frame lies around the field, and the coverage panels hold the counts."""
    model = keras.Sequential([keras.Input([16, 16, 1]), keras.layers.Conv2D(1, 3, strides=2)])
    field = analysis.receptive_field(model)
    (axes,) = figures.receptive_field(field).axes
    frame = axes.patches[0]
    assert (frame.get_x(), frame.get_width()) == (field.bounds[1][0] - 0.5, 3)
    covered = analysis.coverage(model)
    panels = figures.coverage(covered).axes
    np.testing.assert_array_equal(panels[0].images[0].get_array(), covered.reached)
    np.testing.assert_array_equal(panels[1].images[0].get_array(), covered.seen)
    line = keras.Sequential([keras.Input([16, 1]), keras.layers.Conv1D(1, 3)])
    assert figures.receptive_field(analysis.receptive_field(line)).axes[0].get_title().endswith("3 inputs")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_saved_pictures_are_the_same_each_time(tmp_path, ending):
    """Saving twice gives the same bytes, in each format."""
    first = figures.save(figures.layout(SEED), tmp_path / f"a.{ending}").read_bytes()
    assert first == figures.save(figures.layout(SEED), tmp_path / f"b.{ending}").read_bytes()
    assert len(first) > 1000


def test_saving_refuses_what_it_cannot_write(tmp_path):
    """Unknown endings and missing folders are named."""
    with pytest.raises(InvalidArgumentError, match=r"must end in \.png, \.svg, \.pdf"):
        figures.save(figures.layout(SEED), tmp_path / "a.bmp")
    with pytest.raises(InvalidArgumentError, match=r"the folder of .* must exist"):
        figures.save(figures.layout(SEED), tmp_path / "missing" / "a.png")


@pytest.mark.parametrize(
    "config",
    [analysis.configuration((2, 2, 2), 3), analysis.configuration(30, 3, strides=2)],
    ids=["3-D", "large"],
)
def test_layouts_that_cannot_be_read_are_refused(config):
    """Three axes, or more samples than can be read, are refused with the limit."""
    with pytest.raises(InvalidArgumentError, match="1 or 2 axes of at most 48 samples"):
        figures.layout(config)


def frames_of(path):
    """The frames of a GIF as RGB arrays."""
    with Image.open(path) as gif:
        frames = []
        for index in range(gif.n_frames):
            gif.seek(index)
            frames.append(np.asarray(gif.convert("RGB")).astype(int))
        return frames


@pytest.mark.parametrize(
    "config",
    [
        SEED,
        analysis.configuration(3, 2, strides=3),
        analysis.configuration((3, 2), (3, 2), strides=(1, 2), padding="same"),
        analysis.configuration((2, 3), 4, strides=2, padding=1),
        analysis.configuration(4, 3, padding=((4, 1),)),
        analysis.configuration(3, 3, strides=2, padding="same", dilation_rate=2),
    ],
)
def test_animation_keeps_its_views_in_step(config):
    """One stamp or one output at a time, and what is made has the same number in the view of stamps."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=config.input_size), rng.normal(size=config.kernel_size)
    final = full_output(config.axes, x, kernel).ravel()
    before = Moment(0, 0)
    for moment in moments(config):
        assert sorted(np.subtract(moment, before)) == [0, 1]
        seen = np.arange(x.size).reshape(x.shape) < moment.stamped
        stamps = full_output(config.axes, x * seen, kernel).ravel()
        np.testing.assert_allclose(stamps[: moment.made], final[: moment.made], atol=1e-12)
        before = moment
    assert before == (x.size, final.size)


def test_animation_of_the_seeds_example_stamps_as_late_as_possible():
    """Two outputs come of the first input alone; the third needs the second, as its numbers show."""
    first = [(1, 0), (1, 1), (1, 2), (2, 2), (2, 3)]
    assert moments(SEED)[:5] == first


def test_animation_fills_both_views_step_by_step(tmp_path):
    """Stamps darken the upper view, the output fills the lower one, frame by frame, to the same picture."""
    config = analysis.configuration(2, 3, strides=2, padding="same")
    frames = frames_of(figures.animate(config, tmp_path / "a.gif"))
    assert len(frames) >= 4
    third = frames[0].shape[0] // 3
    yellow, orange = (style.count_colours(2)(count)[:3] for count in (1, 2))
    upper = [area(frame[:third], yellow, 12) for frame in frames]
    lower = [area(frame[-third:], yellow, 12) for frame in frames]
    doubled = [area(frame, orange, 12) for frame in frames]
    assert lower[0] < lower[1] < lower[-1]
    assert upper[-1] != upper[0]
    assert doubled[0] == 0 < doubled[-1]
    assert not np.any(frames[0][0] < 250)


def test_animation_of_two_axes_puts_the_output_beside_the_stamps(tmp_path):
    """Stamps darken the view at the top left, the output fills the one beside it."""
    config = analysis.configuration((1, 2), 3, strides=2, padding="same")
    frames = frames_of(figures.animate(config, tmp_path / "a.gif"))
    height, width = frames[0].shape[:2]
    yellow = style.count_colours(2)(1)[:3]
    left, right = (
        [area(frame[: height // 2, part], yellow, 12) for frame in frames]
        for part in (slice(width // 2), slice(width * 5 // 9, None))
    )
    assert left[-1] != left[0] > 0
    assert right[0] == 0 < right[1] < right[-1]


def test_pattern_of_one_axis_leaves_no_empty_half():
    """The strips of a kernel of one axis are low, and so is their figure."""
    flat, square = (figures.checkerboard_pattern(np.ones([3] * rank), 2) for rank in (1, 2))
    assert flat.get_figheight() < 1.5 < 2.5 < square.get_figheight()


def test_animation_of_one_axis_fits_a_page(tmp_path):
    """Ten inputs, a row of 23 cells at most: less than 1,100 pixels."""
    config = analysis.configuration(10, 4, strides=2, padding="same")
    assert frames_of(figures.animate(config, tmp_path / "a.gif"))[0].shape[1] < 1100


def test_html_animation_needs_no_network(tmp_path):
    """The page holds its frames and player, and no address to fetch anything from."""
    path = figures.animate(analysis.configuration(1, 2), tmp_path / "a.html", frames_per_second=4)
    page = path.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64") >= 2
    assert not re.search(r"(src|href) *= *.?(http|//)|@import|url\(", page)
    assert "<link" not in page
    assert 'class="fa ' not in page
    assert not re.search("&#9(198|197);", page)  # many fonts lack these two signs


def test_mp4_without_ffmpeg_is_refused_clearly(tmp_path, monkeypatch):
    """Without ffmpeg on the PATH the error names it and the other formats."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"needs the program ffmpeg.*write \.gif or \.html"):
        figures.animate(SEED, tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("a.webm", SEED, r"must end in \.gif, \.html or \.mp4"),
        ("a.gif", analysis.configuration((12, 12), 3, strides=2), "at most 500; received 769"),
    ],
)
def test_animations_that_cannot_be_made_are_refused(tmp_path, name, config, message):
    """Unknown endings and films that are too long are refused with the rule."""
    with pytest.raises(InvalidArgumentError, match=message):
        figures.animate(config, tmp_path / name)


def test_numbers_need_no_matplotlib():
    """Without Matplotlib the numbers work, and asking for figures names the extra."""
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import tfdeconv as td; print(td.analysis.overlap(2, 3, strides=2).phases)\n"
        "try: td.analysis.figures.layout\n"
        "except td.errors.MissingExtraError as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[2 1]" in found.stdout
    assert "pip install 'tfdeconv[figures]'" in found.stdout
