"""Forwards that compute with sizes of their input convert for all sizes, in the same numbers."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfdeconv import convert
from tfdeconv.convert.by_size.formulas import Measured, evaluate
from tfdeconv.convert.by_size.sizes import UnknownSize, greatest, toward_zero
from tfdeconv.convert.graph.values import value_of_image

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from convert.torch_networks import channels_last, channels_moved_back, randomised  # noqa: E402
from torch import nn  # noqa: E402

SIZES = ((8, 6), (13, 11), (21, 32))


class Forward(nn.Module):
    """A forward and the layers that it may use."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.pool, self.conv = nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1)
        self.up, self.wide = nn.ConvTranspose2d(4, 4, 2, 2), nn.ConvTranspose2d(4, 4, 6, 2)

    def forward(self, x):
        return self.function(self, x)


def _pad_by_difference(m, x):
    y = m.up(m.pool(x))
    rows, columns = x.size()[2] - y.size()[2], x.size()[3] - y.size()[3]
    around = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
    return torch.cat([x, F.pad(y, around)], 1)


def _pad_by_tensors_of_sizes(m, x):
    y = m.up(m.pool(x))
    rows = torch.tensor([x.size()[2] - y.size()[2]])
    columns = torch.tensor(x.size()[3] - y.size()[3])
    return x + F.pad(y, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def _slice_behind_an_offset(m, x):
    h = m.wide(m.pool(x))
    return h[:, :, 3 : 3 + x.size()[2], 2 : 2 + x.size()[3]].contiguous()


def _crop_the_middle(m, x):
    h = m.wide(x)
    top, left = (h.size(2) - x.size(2)) // 2, (h.size(3) - x.size(3)) // 2
    return h[..., top : top + x.size(2), left : left + x.size(3)] + x


def _negative_pads(m, x):
    h = m.wide(x)
    less = h.shape[2] - x.shape[2]
    return F.pad(h, [0, x.shape[3] - h.shape[3], -(less // 2), -(less - less // 2)])


def _to_a_multiple(mode):
    def forward(m, x):
        h, w = x.shape[-2:]
        y = F.pad(x, (0, (4 - w % 4) % 4, 0, (4 - h % 4) % 4), mode)
        return m.conv(y)[:, :, :h, :w]

    return forward


def _resize(**options):
    return lambda m, x: F.interpolate(m.pool(x), size=x.shape[-2:], **options)


def _shuffle_channels(m, x):
    b, c, h, w = x.size()
    return x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, -1, h, w)


def _space_to_depth(m, x):
    x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(b, c * 4, h // 2, w // 2)


def _pyramid(m, x):
    levels = [F.adaptive_avg_pool2d(x, size) for size in (1, 2, (3, None))]
    return torch.cat([x, *(F.interpolate(y, x.shape[2:], mode="bilinear") for y in levels)], 1)


def _attention(m, x):
    b, c, h, w = x.shape
    q = x.view(b, c, h * w)
    return (q @ torch.softmax(q.transpose(1, 2) @ q, -1).transpose(1, 2)).view(b, c, h, w)


def _halves(m, x):
    first, second = x.chunk(2, 2)
    return torch.cat([second, first], 2) + first[:, :, :1]


def _constants(m, x):
    b, _, h, w = x.shape
    borders = torch.zeros(b, 4, h, 2), torch.full((b, 4, h, w // 2), 0.5), x.new_ones(b, 4, h, w)
    return torch.cat([x, *borders], 3)


FORWARDS = {
    "pads by a difference": _pad_by_difference,
    "pads by tensors of sizes": _pad_by_tensors_of_sizes,
    "slice behind an offset": _slice_behind_an_offset,
    "crop of the middle": _crop_the_middle,
    "crop to a skip": lambda m, x: m.wide(x)[..., : x.shape[2], : x.shape[3]] + x,
    "crop of both ends": lambda m, x: x[:, :, x.shape[2] // 4 : -(x.shape[2] // 4), 1 : x.shape[3] - 1],
    "negative pads": _negative_pads,
    "a multiple of 4 with zeros": _to_a_multiple("constant"),
    "a multiple of 4 by reflection": _to_a_multiple("reflect"),
    "a multiple of 4 by repetition": _to_a_multiple("replicate"),
    "a multiple of 4 around": _to_a_multiple("circular"),
    "rounded up": lambda m, x: F.pad(x, (0, 0, 0, math.ceil(x.shape[2] / 8) * 8 - x.shape[2])),
    "nearest to a size": _resize(),
    "nearest-exact to a size": _resize(mode="nearest-exact"),
    "bilinear to a size": _resize(mode="bilinear"),
    "bilinear to a size, corners aligned": _resize(mode="bilinear", align_corners=True),
    "bicubic to a size": _resize(mode="bicubic"),
    "area to a size": lambda m, x: F.interpolate(x, size=(x.shape[2] // 3, 4), mode="area"),
    "antialiased": lambda m, x: F.interpolate(
        x, size=(x.shape[2] // 2, x.shape[3] // 3), mode="bilinear", antialias=True
    ),
    "to a fixed size": lambda m, x: F.interpolate(x, size=(7, 9), mode="bilinear"),
    "by 1.5": lambda m, x: F.interpolate(x, scale_factor=1.5, mode="bilinear"),
    "by 1.7": lambda m, x: F.interpolate(x, scale_factor=(1.7, 0.6)),
    "by 0.7, recomputed": lambda m, x: F.interpolate(
        x, scale_factor=0.7, mode="bicubic", recompute_scale_factor=True
    ),
    "twice, corners aligned": lambda m, x: F.interpolate(
        x, scale_factor=2, mode="bilinear", align_corners=True
    ),
    "channel shuffle": _shuffle_channels,
    "space to depth": _space_to_depth,
    "pyramid of means": _pyramid,
    "attention": _attention,
    "halves": _halves,
    "constants": _constants,
    "a mean by the number of samples": lambda m, x: x.sum((2, 3), True) / (x.size(2) * x.size(3)) + x,
    "samples times sizes": lambda m, x: x * (x.shape[2] / 4) - x.shape[3] + (x.shape[2] - 1) / 2.0,
    "tokens": lambda m, x: x.flatten(2).transpose(1, 2).softmax(1).transpose(1, 2).reshape(x.shape) + x,
    "positions": lambda m, x: x - x[:, :, x.shape[2] // 2, None] + x[..., -1:],
    "all samples in two rows": lambda m, x: x.reshape(x.shape[0], 2, 2 * x.shape[2] * x.shape[3]),
    "channels last inside": lambda m, x: F.pad(x.permute(0, 2, 3, 1), (0, 0, 0, -x.shape[3] % 4)).permute(
        0, 3, 1, 2
    ),
}


def check(model, module, batch=2):
    """The model's answers are the module's in several sizes."""
    for sizes in SIZES:
        x = np.random.default_rng(0).normal(size=(batch, 4, *sizes)).astype("float32")
        with torch.no_grad():
            expected = module(torch.from_numpy(x)).numpy()
        answer = channels_moved_back(model(channels_last(x)))
        assert answer.shape == expected.shape, sizes
        np.testing.assert_allclose(answer, expected, rtol=0, atol=2e-5 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", FORWARDS)
def test_forward_converts_for_all_sizes(name):
    """Pads, crops, resizing and reshaping by sizes follow the sizes of the input."""
    module = randomised(Forward(FORWARDS[name]))
    check(convert.from_torch(module), module)


@pytest.fixture(scope="module")
def every_kind():
    """A module that pads, cuts, resizes and reshapes by sizes."""

    def forward(m, x):
        y = _pad_by_difference(m, x) + _pyramid(m, x)[:, 4:12] - x[:, :1, x.shape[2] // 2, None, -1:]
        y = y + y.sum((2, 3), True) / (x.shape[2] * x.shape[3])
        return _shuffle_channels(m, y[:, 4:]) + _crop_the_middle(m, x)

    return randomised(Forward(forward))


def test_layers_are_saved_and_exported(every_kind, tmp_path):
    """A saved model is found and computes the same; a SavedModel and XLA, too, in other layouts as well."""
    model = convert.from_torch(every_kind)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    check(loaded, every_kind)
    model.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(tmp_path / "saved")
    check(saved.serve, every_kind)
    x = np.random.default_rng(0).normal(size=(1, 13, 10, 4)).astype("float32")
    np.testing.assert_allclose(tf.function(model, jit_compile=True)(x), model(x), rtol=0, atol=1e-4)
    assert [layer.get_config() for layer in model.layers] == [layer.get_config() for layer in loaded.layers]


def test_graphs_of_pytorch_keep_free_sizes(every_kind):
    """A traced graph, and an exported program whose sizes are dynamic, its batch fixed."""
    check(convert.from_torch(torch.fx.symbolic_trace(every_kind)), every_kind)
    dynamic = torch.export.Dim.DYNAMIC
    x = torch.zeros(1, 4, 13, 11)
    program = torch.export.export(every_kind, (x,), dynamic_shapes=({2: dynamic, 3: dynamic},))
    check(convert.from_torch(program), every_kind, batch=1)


@pytest.mark.parametrize(
    "name",
    ["pads by a difference", "crop of the middle", "a multiple of 4 by reflection", "nearest to a size",
     "bilinear to a size", "bicubic to a size", "by 1.5", "twice, corners aligned", "space to depth",
     "constants", "a mean by the number of samples", "samples times sizes", "positions",
     "tokens"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore:Converting a tensor to a Python:Warning")
def test_onnx_of_pytorch_keeps_dynamic_axes(name, tmp_path):
    """What the exporter computes from Shape is a formula of sizes, not only for the exported size."""
    pytest.importorskip("onnx")
    module = randomised(Forward(FORWARDS[name]))
    path = tmp_path / "model.onnx"
    axes = {"x": {0: "batch", 2: "height", 3: "width"}}
    x = torch.zeros(1, 4, 16, 12)
    torch.onnx.export(module, (x,), path, dynamo=False, dynamic_axes=axes, input_names=["x"])
    check(convert.from_onnx(path), module)


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: b - a,
    "half": lambda a, b: a // 2 + b,
    "modulo": lambda a, b: -a % 5 + b,
    "ceiling": lambda a, b: math.ceil(a / 4) - b,
    "zero": lambda a, b: toward_zero(a - b, 3),
    "greatest": greatest,
    "times": lambda a, b: a * 3 + b * -2,
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 1)), max_size=6),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_formula_of_sizes_is_what_python_computes(operations, height, width):
    """Sums, multiples, quotients, remainders and maxima, through JSON, for ints and tensors."""
    image = value_of_image(keras.KerasTensor([None, None, None, 3]), "channels_last")
    symbols, numbers = list(image.shape[2:]), [height, width]
    for name, which in operations:
        symbols[which] = OPERATIONS[name](symbols[which], symbols[1 - which])
        numbers[which] = OPERATIONS[name](numbers[which], numbers[1 - which])
    measured = Measured(image.tensor)
    formulas = json.loads(json.dumps([measured.formula(symbol) for symbol in symbols]))
    shape = {(0, 1): height, (0, 2): width}
    assert [evaluate(formula, lambda *key: shape[key]) for formula in formulas] == numbers
    tensors = {key: tf.constant(number) for key, number in shape.items()}
    assert [int(evaluate(formula, lambda *key: tensors[key])) for formula in formulas] == numbers
    assert [
        evaluate(formula, lambda *key: None) for formula, symbol in zip(formulas, symbols, strict=True)
    ] == [
        None if isinstance(symbol, UnknownSize) else number
        for symbol, number in zip(symbols, numbers, strict=True)
    ]


@given(*[st.integers(-4, 9)] * 4, st.integers(1, 40), st.integers(1, 40))
def test_product_of_sizes_is_what_python_computes(a, b, c, d, height, width):
    """Sums, halves and quotients of products, whatever order they are written in."""
    image = value_of_image(keras.KerasTensor([None, None, None, 3]), "channels_last")
    h, w = image.shape[2:]

    def compute(h, w):
        return (a * h + b) * (w // 2 + c) * 3 // 4 + h * w * d - w * h

    assert compute(h, w) == 3 * (w // 2 + c) * (a * h + b) // 4 + (d - 1) * h * w
    size = compute(h, w)
    formula = json.loads(json.dumps(Measured(image.tensor).formula(size)))
    assert evaluate(formula, lambda _, axis: {1: height, 2: width}[axis]) == compute(height, width)
    assert (h / 2) * (w / 3) * 6 == h * w


def test_sizes_that_are_always_equal_compare_as_equal():
    """Two ways to write how much is missing to a multiple; a size is never negative."""
    height, width = value_of_image(keras.KerasTensor([None, None, None, 3]), "channels_last").shape[2:]
    assert -height % 32 == (32 - height % 32) % 32
    assert height // 2 * 2 + 1 != height // 2 * 2
    assert height >= 0
    assert height != -1
    assert height + width > -1
