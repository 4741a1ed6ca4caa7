"""Modules with a forward of their own, and what PyTorch computes of a module."""

import numpy as np
import pytest

from tfdeconv import convert

torch = pytest.importorskip("torch")
from convert.torch_networks import channels_last, channels_moved_back  # noqa: E402
from torch import nn  # noqa: E402


class Forward(nn.Module):
    """A module whose forward is a function of itself and its input."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.function(self, x)


def check(module, x, tolerance=2e-5, **options):
    """The converted module's answer for ``x`` is PyTorch's."""
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    layer = convert.from_torch(module, **options)
    answer = channels_moved_back(layer(channels_last(x)))
    assert answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))
    return layer


def picture(channels=4, sizes=(8, 6), seed=0):
    return np.random.default_rng(seed).normal(size=(2, channels, *sizes)).astype("float32")
