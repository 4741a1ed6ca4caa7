"""Functions that a forward calls beside its layers compute PyTorch's numbers, in PyTorch's shapes."""

import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from convert.torch_networks import channels_last, channels_moved_back, randomised  # noqa: E402
from torch import nn  # noqa: E402

X = np.random.default_rng(0).normal(size=(2, 4, 8, 6)).astype("float32")
ONE = torch.linspace(0.5, 1.5, 4).view(4, 1, 1)

FUNCTIONS = {
    "comparisons": lambda x: torch.where(x > 0.1, x, x * 0.2) + (x <= 0).float() * (x != 1).to(x.dtype),
    "two conditions": lambda x: torch.where(torch.logical_and(x > -1, x.lt(1)), 2.0, -1.0),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.3),
    "floor division": lambda x: x // 0.3 + x % 0.4 + torch.div(x, 0.2, rounding_mode="trunc"),
    "addcmul": lambda x: torch.addcmul(x, x, x, value=0.5) + torch.addcdiv(x, x, ONE, value=2),
    "lerp": lambda x: torch.lerp(x, x * x, 0.3),
    "clamp_min": lambda x: x.clamp_min(-0.5).clamp_max_(0.7),
    "shrink": lambda x: F.hardshrink(x, 0.3) + F.softshrink(x, 0.2) + F.rrelu(x) + F.softmin(x, 1),
    "pointwise": lambda x: torch.log1p(x.abs()) + torch.expm1(x) + x.atan() + torch.round(x) + x.trunc(),
    "max and its place": lambda x: x.max(1, keepdim=True)[0] + x.max(2).indices.float().unsqueeze(2),
    "min": lambda x: torch.min(x, dim=3).values.unsqueeze(3) + torch.min(x, x * x) + torch.max(x, -x),
    "argmax": lambda x: x.argmax(1),
    "std": lambda x: (x - x.mean((2, 3), True)) / x.std((2, 3), keepdim=True),
    "var without correction": lambda x: x * torch.rsqrt(x.var([2, 3], unbiased=False, keepdim=True) + 1e-5),
    "var_mean": lambda x: torch.var_mean(x, dim=1, correction=1)[0] + torch.std_mean(x, 1)[1],
    "norm": lambda x: x / x.norm(dim=1, keepdim=True) + torch.linalg.vector_norm(x, 1, dim=1, keepdim=True),
    "cumsum": lambda x: x.cumsum(2),
    "prod": lambda x: x.prod(1),
    "einsum": lambda x: torch.einsum("nchw,oc->nohw", x, torch.arange(12.0).view(3, 4)),
    "list of channels": lambda x: x[:, [2, 0, -1]] + x.index_select(1, torch.tensor([1, 1, 0])),
    "unbind": lambda x: torch.stack(x.unbind(1)[::-1], 1),
    "tensor_split": lambda x: torch.cat([*x.tensor_split(3, dim=2)[::-1], *x.tensor_split((1, 3), dim=2)], 2),
    "movedim": lambda x: x.movedim(1, -1).movedim((3, 1), (1, 2)),
    "roll": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "expand_as": lambda x: x.mean((2, 3), keepdim=True).expand_as(x),
    "expand to sizes": lambda x: torch.cat([x.amax((2, 3), True).expand(-1, -1, x.size(2), x.size(3)), x], 1),
    "new_zeros": lambda x: torch.cat([x, x.new_zeros(x.shape[0], 2, *x.shape[2:])], 1),
    "casts": lambda x: x.double().mul(3).float().type(torch.float64).type_as(x),
    "layer_norm of several axes": lambda x: F.layer_norm(x, [4, 8, 6], ONE.expand(4, 8, 6)),
}  # fmt: skip
"""Each takes any size of input, but for those that divide or normalise an axis."""

NEED_SIZES = ("tensor_split", "layer_norm of several axes", "list of channels", "unbind")


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.conv = function, nn.Conv2d(4, 4, 1)

    def forward(self, x):
        return self.function(self.conv(x))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_function(name, data_format):
    """Free sizes wherever the function needs none, in either layout."""
    module = randomised(Function(FUNCTIONS[name]))
    with torch.no_grad():
        expected = module(torch.from_numpy(X)).numpy()
    first = data_format == "channels_first"
    shape = None if name not in NEED_SIZES else X.shape[1:] if first else channels_last(X).shape[1:]
    layer = convert.from_torch(module, input_shape=shape, data_format=data_format)
    answer = np.array(layer(X)) if first else layer(channels_last(X))
    answer = answer if first else channels_moved_back(answer) if expected.ndim == 4 else np.array(answer)
    if not first and expected.ndim == 3:
        answer = np.moveaxis(answer, -1, 1)
    assert answer.shape == expected.shape
    assert answer.dtype == expected.dtype
    np.testing.assert_allclose(answer, expected, rtol=0, atol=2e-5 * max(1, np.abs(expected).max()))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_compiled_modules():
    """What torch.compile wraps is the module, inside of others too; torch.jit's cannot be followed."""
    module = nn.Conv2d(4, 2, 3)
    x = channels_last(X)
    compiled = torch.compile(module, backend="eager")
    in_place = nn.Conv2d(4, 2, 3)
    in_place.load_state_dict(module.state_dict())
    in_place.compile(backend="eager")
    outer = nn.Sequential(compiled, nn.Identity())
    for wrapped in (compiled, outer, in_place, nn.DataParallel(module)):
        np.testing.assert_array_equal(convert.from_torch(wrapped)(x), convert.from_torch(module)(x))
    assert outer[0] is compiled
    with pytest.raises(ConversionError, match=r"compiled by torch\.jit.*export it to ONNX"):
        convert.from_torch(torch.jit.script(module))


def test_wrongly_guessed_channels_are_not_blamed():
    """The error is that of the forward, not of channels that another module of the same network told."""

    class Reversed(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.stem = nn.Conv2d(8, 2, 1), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            return torch.fft.fft(self.head(self.stem(x)))

    with pytest.raises(ConversionError, match=r"Reversed calls PyTorch's 'fft_fft'"):
        convert.from_torch(Reversed())
