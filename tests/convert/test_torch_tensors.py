"""What a forward sees in the place of tensors behaves as PyTorch's tensors do, or is refused."""

import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from convert.torch_networks import channels_last, channels_moved_back, randomised  # noqa: E402
from torch import nn  # noqa: E402

X = np.random.default_rng(0).normal(size=(2, 4, 9, 7)).astype("float32")


class Forward(nn.Module):
    """A forward as a function of the module and of the output of its convolution."""

    def __init__(self, function):
        super().__init__()
        self.function, self.conv = function, nn.Conv2d(4, 4, 1)
        self.drop, self.wide_drop, self.relu = nn.Dropout(), nn.Dropout2d(inplace=True), nn.ReLU(inplace=True)
        self.up = nn.ConvTranspose2d(4, 3, 3, 2, 1)
        self.register_buffer("mean", torch.rand(1, 4, 1, 1))
        self.row = nn.Parameter(torch.rand(1, 4))

    def forward(self, x):
        return self.function(self, self.conv(x))


def _changed(change):
    """A tensor and what is made of it, of which one is changed in place."""

    def forward(m, x):
        y = change(m, x)
        y.mul_(2).add_(1)
        return y + x

    return forward


def _grown_twice(m, x):
    """One transposed convolution to an odd and to an even size."""
    small = x[:, :, ::2, ::2]
    odd = m.up(small, output_size=x.size())
    even = m.up(x, output_size=[2 * size for size in x.shape[2:]])
    return odd + even[:, :, : x.shape[2], : x.shape[3]]


EQUAL = {
    "constant to the type of a tensor": lambda m, x: x - m.mean.type_as(x) + m.mean.to(x),
    "truth values to the type of a tensor": lambda m, x: (x > 0).to(x) + (x < 1).type_as(x),
    "types by their old names": lambda m, x: (x > 0).type("torch.FloatTensor") - x.type(torch.FloatTensor),
    "dropout is the tensor itself": _changed(lambda m, x: m.drop(x)),
    "dropout in place": _changed(lambda m, x: m.wide_drop(x)),
    "ReLU in place behind dropout": lambda m, x: m.relu(m.drop(x)) + x,
    "on the CPU already": _changed(lambda m, x: x.cpu()),
    "of one type already": _changed(lambda m, x: x.float()),
    "a clone is another tensor": _changed(lambda m, x: x.clone()),
    "truth values times samples": lambda m, x: (x > 0) * x,
    "whole numbers plus samples": lambda m, x: (x > 0).long() + x,
    "truth values times a number": lambda m, x: (x > 0) * 0.5 + (x < 0) * 2,
    "whole numbers times a number": lambda m, x: x.argmax(1, keepdim=True) * 0.5 + x * 0,
    "whole numbers and truth values": lambda m, x: x.argmax(1) + (x > 0)[:, 0],
    "sums of truth values": lambda m, x: (x > 0).sum((2, 3)) + (x > 0).cumsum(2)[:, :, -1, -1],
    "whole numbers beside samples": lambda m, x: torch.cat([x.argmax(1, keepdim=True), x], 1),
    "limits of whole numbers": lambda m, x: (x.argmax(1) - 1).clamp(0, 1) + (x.argmax(1) - 1).clamp(-1, 1),
    "arguments by name": lambda m, x: torch.relu_(input=x) + F.leaky_relu(input=x, inplace=True),
    "choice of whole numbers": lambda m, x: torch.where(x > 0, 1, 0),
    "choice of kinds": lambda m, x: torch.where(x > 0, x.argmax(1, keepdim=True), 0.5),
    "truth values times truth values": lambda m, x: ((x > 0) * (x < 1) + (x < -1)),
    "sizes times samples": lambda m, x: x.shape[2] * x + (1 - x.shape[3]) / (x.abs() + 1) - x.size(2),
    "constants of whole numbers": lambda m, x: (
        torch.full((x.shape[0], 1, x.shape[2], 3), 2) + torch.zeros(x.argmax(1).shape[0], 1, x.shape[2], 3)
    ),
    "masks": lambda m, x: (((x > 0) & (x < 1)) | ~(x > -1)).float(),
    "is a tensor": lambda m, x: x if isinstance(x, torch.Tensor) and torch.is_tensor(x) else -x,
    "has no other attributes": lambda m, x: -x if hasattr(x, "tensors") else x * getattr(x, "scale", 2),
    "is of no other kind": lambda m, x: -x if x.is_mps or x.is_cuda or x.is_sparse else x,
    "numbers of NumPy": lambda m, x: np.float32(2) * x + x * np.float64(0.5),
    "transposed matrices": lambda m, x: x.mT,
    "limits that cross": lambda m, x: x.clamp(0.5, 0.2) + x.clamp(0, -1),
    "full_like": lambda m, x: torch.cat([x, torch.full_like(x, 0.25)], 1),
    "middle and last samples": lambda m, x: (
        x[:, :, x.shape[2] // 2, x.size(3) // 2] + x[:, :, -1, -2] + x.select(2, x.size(2) - 1)[:, :, 0]
    ),
    "nothing of an axis": lambda m, x: torch.cat([x, x[:, :, :0]], 2),
    "a constant for each example": lambda m, x: torch.cat([m.row.expand(x.shape[0], -1), x.mean((2, 3))], 1),
    "a constant picture for each example": lambda m, x: m.mean.repeat(x.mean((2, 3)).size(0), 1, 4, 5),
    "a constant for each sample": lambda m, x: x * m.mean.expand(x.shape[0], -1, x.shape[2], x.shape[3]),
    "output sizes": _grown_twice,
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_tensor(name):
    """Aliases, types, attributes and constants, in any size of input."""
    module = randomised(Forward(EQUAL[name]))
    with torch.no_grad():
        expected = module(torch.from_numpy(X)).numpy()
    answer = channels_moved_back(convert.from_torch(module, input_shape=(None, None, 4))(channels_last(X)))
    assert answer.shape == expected.shape
    assert answer.dtype == expected.dtype
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max()))


REFUSED = [
    (_changed(lambda m, x: x.movedim(1, 3)), r"changed in place while a view"),
    (_changed(lambda m, x: x.tensor_split(2, 1)[0]), r"changed in place while a view"),
    (lambda m, x: m.mean.add_(x), r"changes a constant in place by add.*line \d+\)$"),
    (lambda m, x: x.__setitem__(0, 1), r"Assigning to a part.* Join the parts by torch\.cat"),
    (lambda m, x: torch.arange(x.shape[2]) + x, r"unknown is taken for a number.*give input_shape=.*line \d"),
    (lambda m, x: x.argmax(1) & 1, r"calls bitwise_and of int64; only truth values"),
    (lambda m, x: torch.zeros_like(x, dtype=torch.int32), r"zeros_like of float32 with dtype=torch.int32"),
    (lambda m, x: torch.tensor(x), r"reads the numbers of a tensor by aten"),
    (lambda m, x: x.T, r"calls PyTorch's 'T'"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning")
@pytest.mark.parametrize(("function", "reason"), REFUSED, ids=[reason[:40] for _, reason in REFUSED])
def test_what_no_layer_does_is_refused(function, reason):
    """Never the numbers of something else."""
    with pytest.raises(ConversionError, match=reason):
        convert.from_torch(Forward(function), input_shape=(None, None, 4))


def test_casts_of_an_exported_program():
    """What torch.export asserts of a tensor before it is cast changes nothing."""
    module = randomised(Forward(lambda m, x: x.double().float() + (x > 0).to(x.dtype)))
    x = torch.from_numpy(X)
    answer = convert.from_torch(torch.export.export(module, (x,)))(channels_last(X))
    np.testing.assert_allclose(channels_moved_back(answer), module(x).detach().numpy(), atol=1e-5)


def test_modules_are_left_as_they_were():
    """A forward that keeps tensors, sizes or buffers in its module does not keep traced ones."""

    def forward(m, x):
        m.mean = m.mean.type_as(x)
        m.features, m.size, m.calls = x, x.shape[2:], m.calls + 1
        return x - m.mean

    module = randomised(Forward(forward))
    module.calls, mean = 0, module.mean
    convert.from_torch(module)
    assert module.calls == 0
    assert module.mean is mean
    assert not hasattr(module, "features")
    assert torch.Tensor.expand is torch._C.TensorBase.expand


@pytest.mark.parametrize("rows", [8, 9])
def test_shapes_compare_where_sizes_are_given(rows):
    """The number of examples is free, and one and the same everywhere."""

    def forward(m, x):
        y = m.up(x[:, :, ::2, ::2])
        return y + 1 if y.shape == m.up(x)[:, :, : y.size(2), : x.size(3)].shape else y - 1

    module, x = randomised(Forward(forward)), X[:, :, :rows]
    expected = module(torch.from_numpy(x)).detach().numpy()
    answer = convert.from_torch(module, input_shape=(rows, 7, 4))(channels_last(x))
    np.testing.assert_allclose(channels_moved_back(answer), expected, atol=1e-5)


def test_rank_is_told_by_a_later_layer_than_the_channels():
    """A 3-D U-Net whose blocks begin with a group normalisation, as pytorch-3dunet's."""

    class Volumes(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoders = nn.ModuleList([self.block(1, 4), self.block(4, 8)])
            self.decoder, self.pool, self.scores = self.block(12, 4), nn.MaxPool3d(2), nn.Conv3d(4, 2, 1)

        @staticmethod
        def block(channels, filters):
            norm = nn.GroupNorm(1 if channels < 2 else 2, channels)
            return nn.Sequential(norm, nn.Conv3d(channels, filters, 3, padding=1), nn.ReLU(inplace=True))

        def forward(self, x):
            skip = self.encoders[0](x)
            x = F.interpolate(self.encoders[1](self.pool(skip)), size=skip.size()[2:], mode="nearest")
            return torch.softmax(self.scores(self.decoder(torch.cat((skip, x), 1))), 1)

    module = randomised(Volumes())
    model = convert.from_torch(module)
    for sizes in ((4, 6, 8), (5, 7, 9)):
        x = np.random.default_rng(0).normal(size=(2, 1, *sizes)).astype("float32")
        expected = module(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(channels_moved_back(model(channels_last(x))), expected, atol=1e-5)
