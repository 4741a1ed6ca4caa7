"""Receptive fields and coverage, against the arithmetic of convolutions and against brute force."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tfdeconv import analysis, layers, zoo
from tfdeconv.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("stack", "size"),
    [
        ([(3, 1), (3, 1)], 5),
        ([(3, 2), (3, 2), (3, 1)], 15),
        ([(5, 1), (1, 1), (3, 2)], 7),
    ],
)
def test_convolutions_follow_the_recurrence(stack, size):
    """Size 1 + sum of (k - 1) times the strides before (Dumoulin and Visin; Araujo et al. 2019)."""
    model = keras.Sequential([keras.Input([64, 1])])
    for kernel, stride in stack:
        model.add(keras.layers.Conv1D(2, kernel, strides=stride, activation="relu"))
    found = analysis.receptive_field(model)
    assert found.size == (size,)
    assert not found.cut


def test_pooling_normalisation_and_softmax_do_not_hide_inputs():
    """Max pooling passes one input on, softmax has a constant sum: the field counts all the same."""
    model = keras.Sequential(
        [
            keras.Input([32, 32, 3]),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(4, 3),
            keras.layers.PReLU(shared_axes=[1, 2]),
            keras.layers.Conv2D(5, 1, activation="softmax"),
        ]
    )
    assert analysis.receptive_field(model).size == (8, 8)


class Scale(keras.layers.Layer):
    """A layer that nobody knows, with a weight of an unknown name."""

    def build(self, input_shape):
        """Create the weight."""
        self.w = self.add_weight(name="w", shape=input_shape[-1:])

    def call(self, inputs):
        """Return the scaled inputs."""
        return inputs * self.w


@pytest.mark.parametrize(
    ("between", "size"),
    [
        (lambda x: keras.layers.RMSNormalization()(x), 5),
        (lambda x: Scale()(x), 5),
        (lambda x: keras.ops.relu(x - 5.0), 5),
        (lambda x: keras.layers.ReLU()(keras.layers.Rescaling(1, offset=-5)(x)), 5),
        (lambda x: keras.ops.maximum(x, keras.ops.max_pool(x, 3, 1, padding="same")), 7),
        (lambda x: keras.layers.Maximum()([x, keras.layers.MaxPooling1D(3, 1, padding="same")(x)]), 7),
        (lambda x: x * keras.ops.max(x, axis=1, keepdims=True), 16),
        (lambda x: x * keras.layers.GlobalMaxPooling1D(keepdims=True)(x), 16),
        (lambda x: keras.layers.Softmax(axis=1)(x), 16),
        (lambda x: x - keras.layers.Conv1D(2, 3, padding="same")(x), 7),
    ],
)
def test_neither_unknown_weights_nor_operations_hide_inputs(between, size):
    """What chooses, cancels or cuts off by value passes all on, as a layer or as an operation."""
    image = keras.Input([16, 1])
    hidden = between(keras.layers.Conv1D(2, 3, padding="same")(image))
    model = keras.Model(image, keras.layers.Conv1D(1, 3, padding="same")(hidden))
    found = analysis.receptive_field(model)
    assert found.size == (size,)
    assert found.support.sum() == size


def test_unpooling_is_refused():
    """Where its values go depends on the picture."""
    image = keras.Input([8, 8, 1])
    pooled = layers.MaxPooling2DWithSwitches(2)(image)
    model = keras.Model(image, layers.MaxUnpooling2D(2)([pooled.pooled, pooled.switches]))
    with pytest.raises(InvalidArgumentError, match=r"\(MaxPooling2DWithSwitches\) chooses samples by their"):
        analysis.receptive_field(model)


def test_zero_weights_do_not_hide_inputs():
    """FSRCNN's deconvolution starts at zero; its field is that of its structure."""
    found = analysis.receptive_field(zoo.FSRCNN(2), (40, 40, 1))
    body = 1 + (5 - 1) + 4 * (3 - 1)
    taps = (
        4  # an even output sample of the 9-tap, stride-2, "same" (lead 3) deconvolution sees taps 1, 3, 5, 7
    )
    assert found.size == (body + taps - 1,) * 2


def test_clipping_does_not_hide_inputs():
    """Bounded activations, as layers and as arguments, let everything through."""
    model = keras.Sequential(
        [
            keras.Input([32, 1]),
            keras.layers.Conv1D(2, 3, activation="relu6"),
            keras.layers.Rescaling(1000.0),
            keras.layers.ReLU(max_value=1.0),
            keras.layers.Conv1D(1, 3, activation="sigmoid"),
        ]
    )
    assert analysis.receptive_field(model).size == (5,)


def test_output_without_inputs_has_an_empty_field():
    """Where no tap reaches, the field is empty, and not cut."""
    model = keras.Sequential([keras.Input([8, 1]), layers.Conv1DTranspose(1, 2, strides=3)])
    found = analysis.receptive_field(model, position=(2,))
    assert (found.size, found.cut) == ((0,), False)


def test_field_is_what_brute_force_finds():
    """Changing each input in turn changes the output exactly inside the field."""
    model = keras.Sequential(
        [
            keras.Input([9, 1]),
            keras.layers.Conv1D(3, 3, strides=2, padding="same"),
            layers.Conv1DTranspose(1, 3, strides=2, padding="same"),
        ]
    )
    x = np.random.default_rng(0).normal(size=(1, 9, 1)).astype("float32")
    y = np.asarray(model(x))
    for position in range(y.shape[1]):
        support = analysis.receptive_field(model, position=(position,)).support
        for at in range(9):
            changed = x.copy()
            changed[0, at] += 1
            assert support[at] == (abs(np.asarray(model(changed)) - y)[0, position, 0] > 1e-6)


def test_field_at_the_border_is_cut():
    """A field that touches the input's border says that it may be larger."""
    model = keras.Sequential([keras.Input([8, 1]), keras.layers.Conv1D(1, 5, padding="same")])
    assert analysis.receptive_field(model, position=(0,)).cut
    assert analysis.receptive_field(model, position=(0,)).bounds == ((0, 2),)


def test_coverage_of_a_transposed_convolution_is_its_overlap():
    """Away from channels, what each output sees is the overlap count."""
    model = keras.Sequential(
        [keras.Input([4, 5, 2]), layers.Conv2DTranspose(3, 3, strides=2, padding="same")]
    )
    expected = analysis.overlap((4, 5), 3, strides=2, padding="same").counts
    np.testing.assert_array_equal(analysis.coverage(model).seen, expected)


def test_coverage_counts_both_ways():
    """The pairs (input, output) are counted once from each side; skipped inputs are unused."""
    model = keras.Sequential([keras.Input([9, 9, 1]), keras.layers.Conv2D(1, 2, strides=3)])
    found = analysis.coverage(model)
    assert found.reached.sum() == found.seen.sum() == 9 * 4
    assert found.unused == 81 - 36


def test_wrong_models_are_refused():
    """Models that do not map one image to one image are refused with what they take."""
    a, b = keras.Input([8, 1]), keras.Input([8, 1])
    two = keras.Model([a, b], keras.layers.Add()([a, b]))
    flat = keras.Sequential([keras.Input([8, 1]), keras.layers.Flatten()])
    with pytest.raises(InvalidArgumentError, match="one channels-last image"):
        analysis.receptive_field(two)
    with pytest.raises(InvalidArgumentError, match="must return one image"):
        analysis.coverage(flat)
    with pytest.raises(InvalidArgumentError, match="position must lie inside"):
        analysis.receptive_field(
            keras.Sequential([keras.Input([8, 1]), keras.layers.Conv1D(1, 3)]), position=(6,)
        )
    with pytest.raises(InvalidArgumentError, match="at most 16384 samples"):
        analysis.coverage(
            keras.Sequential([keras.Input([None, None, 1]), keras.layers.Conv2D(1, 1)]), (129, 128, 1)
        )


def test_subclassed_models_are_refused_with_the_reason():
    """A model whose layers cannot be copied says so."""

    class Own(keras.Model):
        def call(self, x):
            return x

    model = Own()
    model(np.zeros([1, 8, 1]))
    with pytest.raises(InvalidArgumentError, match="functional or Sequential"):
        analysis.receptive_field(model, (8, 1))
