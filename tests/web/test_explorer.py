"""The explorer in a real browser: every control, the errors, the pointer, the player, the command line."""

from __future__ import annotations

import re

import numpy as np
import pytest
from explorer_page import EXPLORER, call_of, point_at, set_number, state_of

from tfdeconv import analysis, geometry
from tfdeconv.errors import InvalidArgumentError


def test_it_opens_with_the_example_of_the_tour(explorer):
    """2x2, a 3x3 kernel of ones, stride 2, "same": the middle output gets all four inputs."""
    page = explorer()
    assert page.locator(".readout").inner_text().endswith("= 1*1 + 2*1 + 3*1 + 4*1 = 10")
    assert call_of(page, "Keras") == "Conv2DTranspose(1, 3, strides=2, padding='same')"
    assert (
        page.locator(".panel.sizes pre").inner_text().count("F = (i - 1) * s + ke = (2 - 1) * 2 + 3 = 5") == 1
    )
    assert page.locator(".panel.checkerboard strong").inner_text() == "0.436"
    assert "4, 2, 1 away from the borders" in page.locator(".panel.overlap .caption").inner_text()
    assert "16 x 4" in page.locator(".panel.matrix .caption").inner_text()
    assert "differ by 0 at most" in page.locator(".panel.resize .caption").inner_text()


@pytest.mark.parametrize(
    ("name", "value", "config"),
    [
        ("input size", 5, {"input": 5}),
        ("kernel_size", 5, {"kernel": 5}),
        ("strides", 3, {"strides": 3}),
        ("dilation_rate", 3, {"dilation_rate": 3}),
    ],
)
def test_sizes(explorer, name, value, config):
    """Each size moves the window as the package computes it, by its field and by its slider."""
    page = explorer()
    options = {"input": 2, "kernel": 3, "strides": 2, "padding": "same", "dilation_rate": 1, **config}
    expected = analysis.configuration(*[(options.pop(key),) * 2 for key in ("input", "kernel")], **options)
    tfdeconv = analysis.equivalents(expected)[0].call
    set_number(page, name, value)
    assert call_of(page, "tfdeconv") == tfdeconv
    assert page.get_by_role("slider", name=name).first.input_value() == str(value)
    (shape,) = re.findall(
        r"(\d+) by (\d+)", page.get_by_role("application", name="Output of").get_attribute("aria-label")
    )
    assert tuple(map(int, shape)) == expected.output_size
    slider = page.get_by_role("slider", name=name).first
    slider.press("ArrowLeft")
    assert page.get_by_role("spinbutton", name=name).first.input_value() == str(value - 1)


def test_axes_of_their_own(explorer):
    """Rows and columns may differ, and are made equal again by the same button."""
    page = explorer()
    group = page.get_by_role("group", name="strides")
    group.get_by_role("button").click()
    set_number(page, "strides columns", 3)
    assert state_of(page)["stride"] == "2x3"
    assert "strides=(2, 3)" in call_of(page, "tfdeconv")
    group.get_by_role("button").click()
    assert state_of(page)["stride"] == "2"


def test_one_axis_and_two(explorer):
    """1-D keeps the first axis; 2-D repeats it."""
    page = explorer("dims=2&input=3x2&kernel=4x3&stride=2")
    page.get_by_role("radio", name="1-D").check()
    assert {key: state_of(page)[key] for key in ("dims", "input", "kernel")} == {
        "dims": "1",
        "input": "3",
        "kernel": "4",
    }
    assert call_of(page, "Keras").startswith("Conv1DTranspose(1, 4")
    page.get_by_role("radio", name="2-D").check()
    assert state_of(page)["input"] == "3"
    assert call_of(page, "Keras").startswith("Conv2DTranspose(1, 4")


def test_paddings_of_keras(explorer):
    """same, valid, samples; output_padding and output_shape with its legal sizes."""
    page = explorer("dims=1&input=4&kernel=3&stride=2")
    page.get_by_label("padding", exact=True).select_option("valid")
    assert "padding='valid'" in call_of(page, "Keras")
    page.get_by_label("padding", exact=True).select_option("samples")
    set_number(page, "crop before", 1)
    set_number(page, "crop after", -1)
    assert state_of(page)["padding"] == "1,-1"
    assert "padding=((1, -1),)" in call_of(page, "tfdeconv")
    page.get_by_label("padding", exact=True).select_option("same")
    page.get_by_label("output size", exact=True).select_option("padding")
    assert "output_padding=1" not in call_of(page, "PyTorch")
    assert state_of(page)["output_padding"] == "1"
    page.get_by_label("output size", exact=True).select_option("shape")
    assert page.get_by_text("output_shape: 7 to 8").is_visible()
    set_number(page, "output_shape", 7)
    assert "[n, 7, 1]" in call_of(page, "TensorFlow")


def test_words_are_switched_with_the_window_kept(explorer):
    """PyTorch's usual doubling in ONNX's, Caffe's and Keras's words, where there are any."""
    page = explorer("dims=1&words=torch&input=4&kernel=3&stride=2&padding=1&output_padding=1")
    page.get_by_role("radio", name="ONNX").check()
    assert state_of(page)["padding"] == "1,0"
    assert page.get_by_label("auto_pad").or_(page.get_by_label("padding", exact=True)).first.is_visible()
    page.get_by_label("padding", exact=True).select_option("same_upper")
    assert call_of(page, "Keras").endswith("padding='same')")
    page.get_by_role("radio", name="PyTorch").check()
    assert "has no words for that window" in page.locator(".status").inner_text()
    page.get_by_role("radio", name="Caffe").check()
    set_number(page, "pad", 1)
    assert call_of(page, "Caffe") == "Deconvolution { num_output: 1 kernel_size: 3 stride: 2 pad: 1 }"
    page.get_by_role("radio", name="Keras").check()
    expected = analysis.equivalents(analysis.configuration(4, 3, strides=2, padding=1))
    assert call_of(page, "tfdeconv") == expected[0].call


@pytest.mark.parametrize(
    ("state", "call"),
    [
        (
            "dims=1&input=7&kernel=3&stride=2&padding=same&output_shape=15",
            lambda: geometry.window(7, 3, 2, padding="same", output_size=15),
        ),
        ("dims=1&input=2&kernel=3&padding=5", lambda: geometry.window(2, 3, 2, padding=5)),
        (
            "dims=1&input=2&kernel=4&padding=same&output_padding=0",
            lambda: geometry.window(2, 4, 2, padding="same", output_padding=0),
        ),
        ("dims=1&words=torch&stride=2&output_padding=2", lambda: geometry.torch_window(2, 3, 2, 0, 2)),
        ("dims=1&words=onnx&input=3&padding=9,0", lambda: geometry.onnx_window(3, 3, 2, pads=(9, 0))),
        ("dims=1&stride=0", lambda: geometry.window(2, 3, 0, padding="same")),
    ],
)
def test_errors_are_those_of_the_library(explorer, state, call):
    """What is impossible is said in the package's words, its control is marked, and it can be mended."""
    with pytest.raises(InvalidArgumentError) as error:
        call()
    page = explorer(state)
    assert page.get_by_role("alert").inner_text() == str(error.value)
    assert page.locator(".panels.stale").count() == 1
    assert page.locator(".control.blamed [aria-invalid]").count() > 0
    page.get_by_role("button", name="Start again").click()
    assert page.get_by_role("alert").inner_text() == ""
    assert page.locator("[aria-invalid=true], .panels.stale").count() == 0


def test_values_and_kernels(explorer):
    """Own numbers, presets and other random ones; what is no number is said."""
    page = explorer("dims=1&input=3&kernel=4&stride=2&padding=same")
    page.get_by_label("kernel", exact=True).and_(page.locator("select")).select_option("bilinear")
    assert page.locator(".panel.checkerboard strong").inner_text() == "0.000"
    assert [field.input_value() for field in page.locator(".fields.w input").all()] == [
        "0.25",
        "0.75",
        "0.75",
        "0.25",
    ]
    page.get_by_label("kernel", exact=True).and_(page.locator("select")).select_option("learned")
    first = state_of(page)["weights"]
    strength = page.locator(".panel.checkerboard strong").inner_text()
    page.get_by_role("button", name="other numbers").click()
    assert (first, state_of(page)["weights"]) == ("learned:1", "learned:2")
    assert page.locator(".panel.checkerboard strong").inner_text() != strength
    page.get_by_label("w[0]").fill("-1.5")
    assert state_of(page)["weights"].startswith("-1.5,")
    page.get_by_label("x[1]").fill("a")
    assert page.get_by_role("alert").inner_text() == "x[1] must be a number; received 'a'."
    assert page.get_by_label("x[1]").get_attribute("aria-invalid") == "true"
    page.get_by_label("x[1]").fill("1e1")
    assert page.get_by_role("alert").inner_text() == ""
    kernel = np.array([float(weight) for weight in state_of(page)["weights"].split(",")])
    point_at(page, "output", 3, 3)
    window = {"strides": 2, "padding": "same"}
    sentence = str(analysis.contributions(2, [1, 10, 3], kernel, **window))
    assert page.locator(".readout").inner_text() == sentence
    set_number(page, "input size", 4)
    assert state_of(page)["values"] == "1,10,3,0"


def test_the_pointer(explorer):
    """Output, overlap, matrix and zeros point at the same sample; cropped ones are named."""
    page = explorer()
    point_at(page, "overlap", 0, 3)
    assert page.locator(".readout").inner_text() == "y[0,3] = x[0,1]*w[0,1] = 2*1 = 2"
    point_at(page, "matrix", 10, 0)
    assert page.locator(".readout").inner_text().startswith("y[2,2] = ")
    assert page.locator(".fields.x .marked").count() == 4
    point_at(page, "output", 4, 4)
    assert page.locator(".readout").inner_text() == "cropped: full[4,4] = x[1,1]*w[2,2] = 4*1 = 4"
    point_at(page, "zeros", 1, 1)
    assert page.locator(".readout").inner_text().startswith("y[0,0] = ")


def test_the_keyboard(explorer):
    """Arrow keys move the output that is pointed at, and the focus shows."""
    page = explorer()
    output = page.get_by_role("application", name="Output of")
    output.focus()
    for key, place in (("ArrowUp", "1,2"), ("ArrowLeft", "1,1"), ("ArrowDown", "2,1"), ("ArrowRight", "2,2")):
        page.keyboard.press(key)
        assert page.locator(".readout").inner_text().startswith(f"y[{place}] = ")
    assert page.evaluate(f"getComputedStyle({EXPLORER}.shadowRoot.activeElement).outlineStyle") == "solid"


def test_step_and_play(explorer):
    """Stamps are added one by one; outputs are visited one by one; play stops at the end."""
    page = explorer("dims=1&input=3&kernel=3&stride=2&padding=valid")
    page.clock.install()
    steps = page.locator(".steps")
    assert steps.inner_text() == "3 of 3"
    page.get_by_role("button", name="Back").click()
    assert steps.inner_text() == "2 of 3"
    page.get_by_role("slider", name="Step").fill("0")
    assert steps.inner_text() == "0 of 3"
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(1500)
    assert steps.inner_text() == "2 of 3"
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(3000)
    assert steps.inner_text() == "2 of 3"
    page.get_by_role("radio", name="output by output").check()
    page.get_by_role("slider", name="Step").fill("1")
    assert page.locator(".readout").inner_text().startswith("y[0] = ")
    page.get_by_role("button", name="Step", exact=True).click()
    assert page.locator(".readout").inner_text().startswith("y[1] = ")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(10_000)
    assert steps.inner_text() == "7 of 7"
    assert page.get_by_role("button", name="Play").is_visible()


def test_the_command_line_is_equal(explorer):
    """The command shown prints the same output."""
    from click.testing import CliRunner

    from tfdeconv.cli.commands.explain import command

    page = explorer(
        "dims=1&words=torch&input=3&kernel=3&stride=2&padding=1&output_padding=1&values=-1,2,3&weights=-1,2,0.5"
    )
    program, name, *arguments = call_of(page, "Command line").split()
    assert (program, name) == ("tfdeconv", "explain")
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    window = {"strides": 2, "padding": 1, "output_padding": 1}
    y = analysis.operator_matrix([-1, 2, 0.5], 3, **window) @ [-1, 2, 3]
    assert " ".join(f"{value:g}" for value in y) in " ".join(result.output.split())
    for index, value in enumerate(y):
        point_at(page, "overlap", 0, index)
        assert page.locator(".readout").inner_text().endswith(f"= {value:g}")
