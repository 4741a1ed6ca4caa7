"""The step-by-step explanation: its numbers, and the command that prints it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from tfdeconv import analysis
from tfdeconv.cli.commands.explain import command
from tfdeconv.errors import InvalidArgumentError


def run(*arguments):
    """The output of `tfdeconv explain`."""
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_seeds_example_step_by_step():
    """2x2 with a 3x3 kernel and stride 2: sizes, stamps, sum and crop are those of the answer."""
    text = run("--input", "2", "--kernel", "3", "--stride", "2", "--padding", "same")
    assert "F = (i - 1) * s + ke = (2 - 1) * 2 + 3 = 5" in text
    assert "samples 0 to 3 of those, 4 in all: 0 cropped at the start, 1 at the end" in text
    assert "x[0,0] = 1   x[0,1] = 2   x[1,0] = 3   x[1,1] = 4" in text
    assert "4 4 4     4   4  10   6  (6)" in text
    assert "1  1  3  2\n      1  1  3  2\n      4  4 10  6\n      3  3  7  4" in text
    assert "36 (a dense convolution after zero insertion: 144)" in text


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--dims", "1", "--input", "4", "--kernel", "3", "--padding", "valid"),
        ("--torch", "--kernel", "3", "--padding", "1", "--output-padding", "1"),
        ("--input", "3x2", "--kernel", "2x3", "--stride", "3x2", "--padding", "1,0x0,2"),
        ("--dilation", "2", "--input", "3", "--padding", "valid"),
        ("--dims", "3", "--kernel", "2"),
        ("--onnx", "--padding", "same_lower", "--input", "3"),
        ("--weights", "bilinear", "--kernel", "4", "--input", "3"),
    ],
)
def test_the_four_views_agree(arguments):
    """Gradient, zero insertion, scatter and matrix print one output for every configuration."""
    text = run(*arguments)
    section = text.split("3. Four equal views")[1].split("4. The matrix")[0]
    assert section.count("the same output") == 3
    assert "differs" not in section


def test_a_wrong_view_would_show(monkeypatch):
    """A view that computes something else is printed with its difference."""
    monkeypatch.setattr(
        "tfdeconv.analysis.arithmetic.explanation.operator_matrix",
        lambda *_, sparse=False, **__: tf.sparse.from_dense(np.ones((8, 4))) if sparse else np.ones((8, 4)),
    )
    text = analysis.explain(analysis.configuration(4, 3, strides=2, padding="same"))
    assert "differs from it by" in text


def test_conventions_differ_where_they_should():
    """Keras's same keeps samples 0 to 3, PyTorch's usual doubling samples 1 to 4."""
    assert "samples 0 to 3" in run("--padding", "same")
    torch = run("--torch", "--padding", "1", "--output-padding", "1")
    assert "samples 1 to 4" in torch
    assert "ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)" in torch
    assert "samples 1 to 4" in run("--onnx", "--padding", "same_lower")
    assert "samples 0 to 3" in run("--onnx", "--padding", "same_upper")
    assert "samples 0 to 4" in run("--caffe")


def test_weights_and_values_are_used():
    """The bilinear kernel of factor 2 interpolates; given taps and inputs appear in the sum."""
    assert re.search(
        r"sums by phase +\[\[1\., 1\.\], \[1\., 1\.\]\]", run("--weights", "bilinear", "--kernel", "4")
    )
    text = run("--dims", "1", "--values", "5,7", "--weights", "1,10,100", "--padding", "valid")
    assert "5  50 507  70 700" in text


def test_large_configurations_say_what_is_left_out():
    """What cannot be printed is named, and the rest is there."""
    text = run("--input", "100", "--kernel", "9")
    assert "too many to print" in text
    assert "too large to print" in text
    assert "200 x 200 samples from" in text


def test_pictures_are_written_where_asked(tmp_path):
    """--figure and --animate write their files and name them."""
    figure, film = tmp_path / "a.svg", tmp_path / "a.gif"
    text = run("--dims", "1", "--input", "1", "--figure", str(figure), "--animate", str(film))
    assert f"wrote {figure}" in text
    assert f"wrote {film}" in text
    assert figure.read_text().startswith("<?xml")
    assert film.read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--kernel", "three"),
            "--kernel must be a number, or one for each axis such as 3x4; received 'three'",
        ),
        (("--input", "2x2", "--kernel", "3x3x3"), "--input, --kernel must name equally many axes"),
        (("--padding", "maybe"), "--padding must be same, valid, samples"),
        (("--torch", "--padding", "same"), "--padding must be samples with --torch"),
        (("--caffe", "--output-padding", "1"), "--output-padding must be left out with --caffe"),
        (("--caffe", "--output-shape", "5"), "--output-shape must be left out with --caffe"),
        (("--caffe", "--padding", "1,0"), "with --caffe, whose pad crops both ends alike; received '1,0'"),
        (("--torch", "--padding", "1,1x0"), "with --torch, whose padding crops both ends alike"),
        (("--output-padding", "2"), "output_padding must be below strides = 2"),
        (("--values", "1,2"), "--values must be 4 numbers separated by commas; received '1,2'"),
        (("--groups", "2"), "--groups must divide --filters and --channels"),
        (("--padding", "5"), "padding must leave at least 1 output sample"),
        (("--figure", "a.bmp"), r"--figure must end in \.png"),
        (("--input", "2x2x2x2"), "--input must name 1 to 3 axes; received 4"),
        (("--input", "100000000"), "is too large to compute: .* at most 10,000,000"),
        (("--dims", "1", "--kernel", "99999999999999999999"), "is too large to compute"),
        (("--dims", "1", "--stride", "99999999999"), "is too large to compute"),
        (("--values", "nan,1,2,3"), "--values must be 4 numbers separated by commas; received 'nan,1,2,3'"),
        (("--dims", "1", "--weights", "1,inf,1"), "--weights must be 3 numbers"),
    ],
)
def test_wrong_options_are_named(arguments, message):
    """Errors name the option, the rule and what was given."""
    with pytest.raises(InvalidArgumentError, match=message):
        run(*arguments)


def test_shapes_must_fit():
    """X and kernel must have the sizes of the configuration."""
    with pytest.raises(InvalidArgumentError, match=r"kernel must have shape \(3,\); received \(2,\)"):
        analysis.explain(analysis.configuration(2, 3), kernel=[1, 2])
