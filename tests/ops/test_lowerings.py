"""Every lowering computes the same transposed convolution."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tfdeconv import geometry, ops
from tfdeconv.errors import InvalidArgumentError, LoweringNotApplicable
from tfdeconv.geometry import ConvTransposeGeometry, axis_arguments

OTHERS = [name for name in ops.LOWERINGS if name != "gradient"]


@st.composite
def problems(draw):
    """Random transposed convolutions small enough for a loop in NumPy."""
    rank = draw(st.sampled_from([1, 2, 2, 3]))

    def per_axis(lowest, highest):
        return tuple(draw(st.integers(lowest, highest)) for _ in range(rank))

    strides = per_axis(1, 3) if draw(st.booleans()) else (draw(st.integers(1, 4)),) * rank
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, per_group = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel_size, sizes = per_axis(1, 5), per_axis(1, 4)
    padding = draw(st.sampled_from(["same", "valid", "pairs"]))
    if padding == "pairs":
        padding = tuple((draw(st.integers(0, 3)), draw(st.integers(-4, 3))) for _ in range(rank))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return {
        "x": rng.standard_normal([draw(st.integers(1, 2)), *sizes, channels]),
        "kernel": rng.standard_normal([*kernel_size, per_group, channels]),
        "strides": strides,
        "padding": padding,
        "dilation_rate": per_axis(1, 3) if draw(st.booleans()) else (1,) * rank,
        "groups": groups,
    }


def expected(problem):
    """The oracle's answer, or a discarded example where the padding leaves nothing."""
    x, kernel, strides, dilation = (problem[key] for key in ("x", "kernel", "strides", "dilation_rate"))
    paddings = axis_arguments.per_axis_padding(problem["padding"], len(strides))
    try:
        windows = [
            geometry.window(size, taps, stride, padding=padding, dilation_rate=rate)
            for size, taps, stride, padding, rate in zip(
                x.shape[1:-1], kernel.shape, strides, paddings, dilation, strict=False
            )
        ]
    except InvalidArgumentError:
        assume(False)
    return oracles.by_scatter(
        x,
        kernel,
        strides=strides,
        dilation=dilation,
        groups=problem["groups"],
        leads=[window.lead for window in windows],
        sizes=[window.size for window in windows],
    )


def compute(problem, lowering):
    options = {key: problem[key] for key in ("strides", "padding", "dilation_rate", "groups")}
    return ops.conv_transpose(problem["x"], problem["kernel"], lowering=lowering, **options)


@pytest.mark.parametrize("lowering", [*ops.LOWERINGS, "auto"])
@settings(max_examples=25)
@given(problem=problems())
def test_computes_any_window_stride_dilation_and_group(lowering, problem):
    """A lowering either gives the oracle's numbers or says that it does not apply."""
    wanted = expected(problem)
    try:
        y = compute(problem, lowering)
    except LoweringNotApplicable:
        assume(lowering == "depthwise")
        assert problem["groups"] not in (problem["kernel"].shape[-1], wanted.shape[-1])
        return
    np.testing.assert_allclose(y, wanted, atol=1e-12)


@pytest.mark.parametrize("lowering", OTHERS)
@pytest.mark.parametrize(
    ("kernel_size", "strides", "padding"),
    [
        ((4, 4), (2, 2), "same"),
        ((5, 3), (2, 3), ((3, -4), (0, 2))),
        ((9,), (2,), "same"),
        ((3, 4, 2), (2, 1, 2), "valid"),
    ],
)
def test_unknown_sizes_give_the_same_numbers(lowering, kernel_size, strides, padding):
    """In a graph that knows neither batch nor sizes, and on an empty batch, the result is the eager one."""
    rank, channels = len(kernel_size), 2
    groups = channels if lowering == "depthwise" else 1
    kernel = tf.constant(np.random.default_rng(0).standard_normal([*kernel_size, 1, channels]), tf.float32)

    def call(x):
        return ops.conv_transpose(
            x, kernel, strides=strides, padding=padding, groups=groups, lowering=lowering
        )

    graph = tf.function(
        call, input_signature=[tf.TensorSpec([None] * (rank + 1) + [channels])], autograph=False
    )
    for batch in (0, 1, 3):
        x = tf.random.stateless_uniform((batch, *(4, 3, 5)[:rank], channels), [1, 2])
        np.testing.assert_allclose(graph(x), call(x), atol=1e-5)
        assert graph(x).shape == call(x).shape


@pytest.mark.parametrize("lowering", ops.LOWERINGS)
@pytest.mark.parametrize(("rank", "data_format"), [(1, "channels_last"), (2, "channels_first"), (3, None)])
def test_unknown_channels_are_the_kernels(lowering, rank, data_format):
    """In a graph that does not know the channels of x they are the kernel's, checked when it runs."""
    groups = 2 if lowering == "depthwise" else 1
    sizes = (4, 3, 2)[:rank]
    shape = (2, 2, *sizes) if data_format == "channels_first" else (2, *sizes, 2)
    x = tf.random.stateless_uniform(shape, [1, 2])
    kernel = tf.random.stateless_uniform([*(3, 2, 2)[:rank], 1, 2], [3, 4])

    def call(x):
        return ops.conv_transpose(
            x, kernel, strides=2, groups=groups, data_format=data_format, lowering=lowering
        )

    graph = tf.function(call, input_signature=[tf.TensorSpec([None] * (rank + 2))], autograph=False)
    np.testing.assert_allclose(graph(x), call(x), atol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError):
        graph(tf.concat([x, x], axis=1 if data_format == "channels_first" else -1))


@pytest.mark.parametrize("lowering", OTHERS)
def test_a_window_known_only_at_run_time(lowering):
    """``output_shape`` may be a tensor: "same" then splits what is cropped when the graph runs."""
    groups = 2 if lowering == "depthwise" else 1
    x = tf.random.stateless_uniform([2, 4, 5, 2], [1, 2])
    kernel = tf.random.stateless_uniform([5, 4, 1, 2], [3, 4])

    @tf.function(autograph=False)
    def call(sizes, name):
        return ops.conv_transpose(
            x, kernel, strides=2, padding="same", output_shape=sizes, groups=groups, lowering=name
        )

    for sizes in ([7, 9], [8, 10], [8, 9]):
        np.testing.assert_allclose(
            call(tf.constant(sizes), lowering), call(tf.constant(sizes), "gradient"), atol=1e-5
        )


@pytest.mark.parametrize("lowering", OTHERS)
@pytest.mark.parametrize("batch", [0, 2])
def test_gradients_are_those_of_the_gradient_lowering(lowering, batch):
    """Backpropagation gives the same gradients, in the shapes of the arguments, whatever the lowering."""
    groups = 2 if lowering == "depthwise" else 1
    x = tf.random.stateless_uniform([batch, 3, 4, 2], [1, 2], dtype=tf.float64)
    kernel = tf.random.stateless_uniform([5, 3, 2, 2], [3, 4], dtype=tf.float64)

    def gradients(name):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = ops.conv_transpose(x, kernel, strides=2, padding=1, groups=groups, lowering=name)
            loss = tf.reduce_sum(y**2)
        return tape.gradient(loss, [x, kernel])

    for got, wanted in zip(gradients(lowering), gradients("gradient"), strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("lowering", ["subpixel", "two_pass", "scatter"])
@pytest.mark.parametrize(
    ("rank", "options"),
    [
        (1, {"padding": ((2, -3),)}),
        (2, {"padding": ((0, -4), (3, 1)), "dilation_rate": 2}),
        (2, {"padding": "same", "groups": 2}),
        (3, {"padding": 1}),
    ],
    ids=str,
)
def test_gradients_through_every_window(lowering, rank, options):
    """First and second derivatives are those of the gradient lowering for any window, dilation and group."""
    x = tf.random.stateless_uniform([2, *(3, 4, 2)[:rank], 2], [1, 2], dtype=tf.float64)
    kernel = tf.random.stateless_uniform([*(3, 4, 2)[:rank], 1, 2], [3, 4], dtype=tf.float64)

    def derivatives(name):
        with tf.GradientTape() as outer:
            outer.watch([x, kernel])
            with tf.GradientTape() as inner:
                inner.watch([x, kernel])
                y = ops.conv_transpose(x, kernel, strides=2, lowering=name, **options)
                loss = tf.reduce_sum(y**3)
            first = inner.gradient(loss, [x, kernel])
            squares = sum(tf.reduce_sum(gradient**2) for gradient in first)
        return [*first, *outer.gradient(squares, [x, kernel])]

    for got, wanted in zip(derivatives(lowering), derivatives("gradient"), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("lowering", OTHERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 0.02), ("bfloat16", 0.15), ("float64", 1e-12)])
def test_other_float_types(lowering, dtype, tolerance):
    """Every lowering takes every float type of TensorFlow and keeps it."""
    groups = 2 if lowering == "depthwise" else 1
    rng = np.random.default_rng(0)
    x, kernel = rng.uniform(size=[2, 3, 4, 2]), rng.uniform(size=[4, 4, 1, 2])

    def call(dtype, name):
        return ops.conv_transpose(
            tf.cast(x, dtype), tf.cast(kernel, dtype), strides=2, padding="same", groups=groups, lowering=name
        )

    y = call(dtype, lowering)
    assert y.dtype == dtype
    np.testing.assert_allclose(tf.cast(y, "float64"), call("float64", "gradient"), rtol=tolerance)


@pytest.mark.parametrize("lowering", OTHERS)
def test_under_xla(lowering):
    """A jit-compiled call gives the same numbers."""
    groups = 2 if lowering == "depthwise" else 1
    x = tf.random.stateless_uniform([2, 3, 4, 2], [1, 2])
    kernel = tf.random.stateless_uniform([5, 5, 1, 2], [3, 4])

    def call(x, name):
        return ops.conv_transpose(x, kernel, strides=2, padding="same", groups=groups, lowering=name)

    compiled = tf.function(call, jit_compile=True, autograph=False)
    np.testing.assert_allclose(compiled(x, lowering), call(x, "gradient"), atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "per_group", "groups"), [(4, 1, 4), (4, 3, 4), (6, 1, 3), (6, 2, 6)], ids=str
)
def test_depthwise_takes_any_multiplier(channels, per_group, groups):
    """One channel with several filters, and several channels with one filter, are depthwise problems."""
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal([2, 3, 4, channels]), rng.standard_normal([3, 5, per_group, channels])
    got, wanted = (
        ops.conv_transpose(x, kernel, strides=(2, 3), groups=groups, lowering=name)
        for name in ("depthwise", "gradient")
    )
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_depthwise_refuses_other_groups():
    """Two channels and two filters in a group are no depthwise problem."""
    with pytest.raises(LoweringNotApplicable, match="groups equal to the channels or to the filters"):
        ops.conv_transpose(tf.zeros([1, 2, 2, 4]), tf.zeros([2, 2, 2, 4]), groups=2, lowering="depthwise")


def test_two_pass_refuses_many_filters():
    """Its adding kernel grows with the square of the filters: 512 of them are refused with the count."""
    with pytest.raises(LoweringNotApplicable, match=r"few filters.*which give 4194304"):
        ops.conv_transpose(tf.zeros([1, 2, 2, 1]), tf.zeros([2, 2, 512, 1]), strides=2, lowering="two_pass")


def test_a_kernel_is_prepared_once_for_all_sizes():
    """A prepared kernel depends on the leads of the window, not on its sizes: other inputs may use it."""
    from tfdeconv.ops.lowerings import Problem
    from tfdeconv.ops.output_window import resolve

    geometry = ConvTransposeGeometry.of((5, 5), strides=2, padding="same")
    kernel = tf.random.stateless_uniform([5, 5, 2, 2], [1, 2])
    for lowering in ops.LOWERINGS.values():
        groups = 2 if lowering.name == "depthwise" else 1
        prepared = []
        for size in (4, 7):
            window = resolve(geometry, tf.zeros([1, size, size, 2]), None)
            problem = Problem(geometry, 2, 2 * groups, groups, window)
            prepared.append(lowering.prepare(kernel, problem))
        np.testing.assert_array_equal(*prepared)
