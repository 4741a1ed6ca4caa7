"""The rule behind ``lowering="auto"``."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.ops.lowerings import LOWERINGS, Problem, auto
from tfdeconv.ops.output_window import resolve


def problem_of(x, filters, kernel_size, stride, groups=1):
    """The "same" problem for an input."""
    geometry = ConvTransposeGeometry.of(kernel_size, strides=stride, padding="same", rank=x.shape.rank - 2)
    return Problem(geometry, x.shape[-1], filters, groups, resolve(geometry, x, None))


def choice(sizes, channels, filters, kernel_size, stride, *, batch=1, groups=1, dtype=tf.float32):
    """The rule's answer for a "same" problem."""
    x = tf.zeros([batch, *sizes, channels], dtype)
    problem = problem_of(x, filters, kernel_size, stride, groups)
    name = auto.choose(x, problem)
    LOWERINGS[name].check(problem)
    return name


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("subpixel", ((128, 128), 56, 1, 9, 2)),  # FSRCNN
        ("subpixel", ((128, 128), 56, 1, 9, 4)),
        ("two_pass", ((32, 32), 128, 3, 5, 2)),  # DCGAN's last
        ("scatter", ((4, 4), 1024, 512, 5, 2)),  # DCGAN's first
        ("gradient", ((64, 64), 256, 128, 2, 2)),  # a U-Net's
        ("gradient", ((32, 32, 32), 32, 16, 3, 2)),
        ("gradient", ((128, 128), 4, 1, 4, 2)),  # too little to gain
    ],
)
def test_choices_on_known_architectures(name, arguments):
    """The rule makes the choices that the benchmark confirmed."""
    assert choice(*arguments) == name


def test_groups_of_one_channel_are_depthwise():
    """One channel in each group is a depthwise problem whatever the sizes and type."""
    assert choice((16, 16), 21, 21, 8, 4, groups=21) == "depthwise"
    assert choice((16, 16), 21, 21, 8, 4, groups=21, dtype=tf.float16) == "depthwise"


def test_half_precision_keeps_the_gradient():
    """Partial sums of other forms would be rounded once more: half precision is left to one kernel."""
    assert choice((128, 128), 56, 1, 9, 2, dtype=tf.float16) == "gradient"


@pytest.mark.parametrize(
    ("name", "channels", "filters", "kernel_size", "stride", "groups"),
    [
        ("gradient", 512, 256, 5, 2, 1),
        ("gradient", 64, 32, 4, 2, 1),
        ("gradient", 21, 21, 16, 8, 1),
        ("subpixel", 128, 3, 5, 2, 1),
        ("subpixel", 56, 1, 9, 2, 1),
        ("depthwise", 21, 21, 16, 8, 21),
    ],
)
def test_choices_on_a_gpu(name, channels, filters, kernel_size, stride, groups):
    """Its library's kernel, but for few filters and by channel; `two_pass` is a processor's."""
    problem = problem_of(
        tf.zeros([1, 8, 8, channels]), filters=filters, kernel_size=kernel_size, stride=stride, groups=groups
    )
    assert auto.choose_for_gpu(problem) == name


def test_the_rule_for_gpus_holds_where_the_tensor_is(monkeypatch):
    """Where a GPU is visible, tensors of no known device are taken to be there; scatter is a processor's."""
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    seen = []

    @tf.function(autograph=False)
    def call(x):
        seen.append(choice_of(x))
        with tf.device("CPU:0"):
            seen.append(choice_of(tf.identity(x)))
        with tf.device("GPU:0"):
            seen.append(choice_of(tf.identity(x)))
        return x

    def choice_of(x):
        return auto.choose(x, problem_of(x, filters=512, kernel_size=5, stride=2))

    call.get_concrete_function(tf.TensorSpec([1, 4, 4, 1024]))
    assert seen == ["gradient", "scatter", "gradient"]


def test_an_unknown_batch_is_no_reason_to_scatter():
    """Scatter pays for few positions only, so it is chosen where they are known to be few."""
    problem = problem_of(tf.zeros([1, 4, 4, 1024]), filters=512, kernel_size=5, stride=2)
    names = []
    for batch in (None, 1):
        call = tf.function(lambda x: names.append(auto.choose(x, problem)), autograph=False)
        call.get_concrete_function(tf.TensorSpec([batch, 4, 4, 1024]))
    assert names == ["gradient", "scatter"]


def test_auto_is_a_name_of_the_public_function():
    """``lowering="auto"`` computes, and an unknown name is answered with the list."""
    x, kernel = tf.ones([1, 2, 2, 1]), tf.ones([2, 2, 1, 1])
    assert ops.conv_transpose(x, kernel, strides=2, lowering="auto").shape == [1, 4, 4, 1]
    with pytest.raises(ValueError, match="'auto' or one of 'gradient', 'subpixel'"):
        ops.conv_transpose(x, kernel, lowering="fastest")
