"""Modules with a forward of their own, hooks, parametrizations and branches convert to the same numbers."""

import keras
import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from convert.torch_modules import Forward, check, picture  # noqa: E402
from convert.torch_networks import NETWORKS, channels_last, channels_moved_back, randomised  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, parametrize, prune  # noqa: E402


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_whole_network(name, tmp_path):
    """Upscalers, segmentation in two and three dimensions, generators, a vocoder: saved and loaded."""
    make, shape = NETWORKS[name]
    module = randomised(make())
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    model = check(module, x, 1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(channels_last(x)), model(channels_last(x)))


def _inplace(module, x):
    y = module.conv(x)
    z = F.relu(y, inplace=True)
    return y + z  # y is rectified, too


def _unpool(module, x):
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(pooled * 2, indices, 2, output_size=x.size())


def _shuffle(module, x):
    b, c, h, w = x.shape
    return x.view(b, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(b, c // 4, h * 2, w * 2)


def _branch_on_channels(module, x):
    return module.conv(x) + x if x.shape[1] == 4 else module.conv(x)


FORWARDS = {
    "residual": (lambda m, x: m.conv(x) + x, None),
    "residual Sequential": (None, None),
    "concatenation of a rectified and a plain branch": (
        lambda m, x: torch.cat([F.relu(m.conv(x), inplace=True), x], 1),
        None,
    ),
    "in place": (_inplace, None),
    "unpooling": (_unpool, None),
    "branch on sizes": (_branch_on_channels, None),
    "mirrored slices": (lambda m, x: torch.cat([x[:, :, 1:-1, :2], x[..., 1:-1, -2:]], dim=-1), None),
    "pixel normalisation": (
        lambda m, x: x * torch.rsqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8),
        None,
    ),
    "squeeze and excite": (lambda m, x: x * torch.sigmoid(x.mean([2, 3]))[:, :, None, None], None),
    "constants": (lambda m, x: (1 - x) / 3 + torch.arange(4.0).view(1, 4, 1, 1), (8, 6, 4)),
    "a row as long as there are channels": (lambda m, x: x[..., :4] + torch.arange(4.0), (8, 6, 4)),
    "rows of two tensors": (lambda m, x: x[..., :4] + x[..., :4].mean((1, 2), keepdim=True), (8, 6, 4)),
    "zero channels": (lambda m, x: torch.cat([x, torch.zeros(x.size(0), 3, *x.shape[2:])], 1), None),
    "padding of channels": (lambda m, x: F.pad(x, [1, 0, 0, 0, 2, 1]), None),
    "pixel shuffle by hand": (_shuffle, (8, 6, 4)),
    "sizes of another tensor": (lambda m, x: F.interpolate(m.pool(x), size=x.shape[2:]), (8, 6, 4)),
    "twice as large": (lambda m, x: F.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2)), None),
    "layer normalisation of channels": (
        lambda m, x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2),
        None,
    ),
    "attention": (
        lambda m, x: (
            torch.softmax(x.flatten(2).transpose(1, 2) @ x.flatten(2), -1) @ x.flatten(2).transpose(1, 2)
        ),
        (8, 6, 4),
    ),
}


class Residual(nn.Sequential):
    def forward(self, x):
        return super().forward(x) + x


@pytest.mark.parametrize("name", FORWARDS)
def test_forward_of_ones_own(name):
    """The forward decides, not the class."""
    function, shape = FORWARDS[name]
    conv = nn.Conv2d(4, 4, 3, padding=1)
    if function is None:
        module = Residual(conv, nn.Tanh())
    else:
        module = Forward(function, conv=conv, pool=nn.MaxPool2d(2))
    with torch.no_grad():
        expected = randomised(module)(torch.from_numpy(picture())).numpy()
    answer = channels_moved_back(convert.from_torch(module, input_shape=shape)(channels_last(picture())))
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


def test_weights_that_are_computed_before_each_call_are_fresh():
    """weight_norm, spectral_norm and prune after load_state_dict: the stored parts count."""
    with pytest.warns(FutureWarning):
        normed = nn.utils.weight_norm(nn.ConvTranspose2d(4, 3, 4, 2, 1))
    pruned = nn.Conv2d(4, 5, 3)
    prune.l1_unstructured(pruned, "weight", amount=0.5)
    for module in (normed, nn.utils.spectral_norm(nn.Conv2d(4, 5, 3)), pruned):
        state = {name: tensor * 1.5 + 0.1 for name, tensor in module.state_dict().items()}
        if "weight_mask" in state:
            state["weight_mask"] = module.state_dict()["weight_mask"].flip(0)
        module.load_state_dict(state)
        layer = convert.from_torch(module.eval())  # before any call
        expected = module(torch.from_numpy(picture())).detach().numpy()
        np.testing.assert_allclose(
            channels_moved_back(layer(channels_last(picture()))), expected, rtol=1e-4, atol=1e-4
        )


def test_parametrized_weights_are_computed():
    """Parametrizations are part of the module, whatever they are."""

    class Scaled(nn.Module):
        def forward(self, weight):
            return weight * 0.3

    scaled = nn.Conv2d(4, 5, 3)
    parametrize.register_parametrization(scaled, "weight", Scaled())
    for module in (
        scaled,
        parametrizations.weight_norm(nn.ConvTranspose2d(4, 3, 4, 2, 1)),
        parametrizations.spectral_norm(nn.Conv2d(4, 5, 3)),
    ):
        check(module.eval(), picture())


def test_hooks_are_followed():
    """What a hook does to inputs and outputs is part of the model; it stays registered, and in its mode."""
    module = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()).train()
    module[0].register_forward_hook(lambda module, args, output: output * 2 + args[0])
    module[1].register_forward_pre_hook(lambda module, args: (args[0] - 0.1,))
    check(module, picture())
    assert module.training
    assert module[1].training


def test_subclasses_of_layers_are_taken_by_what_they_do():
    """An equalized convolution and one with its own activation keep PyTorch's class, not its numbers."""

    class Equalized(nn.Conv2d):
        def forward(self, x):
            return self._conv_forward(x, self.weight * 0.2, self.bias)

    class Activated(nn.Conv2d):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.norm = nn.BatchNorm2d(self.out_channels)

        def forward(self, x):
            return F.leaky_relu(self.norm(super().forward(x)), 0.2)

    class Upsample(nn.Module):  # a name of PyTorch's, another function
        def forward(self, x):
            return x.repeat_interleave(3, 2)

    for module in (Equalized(4, 5, 3), Activated(4, 5, 3), nn.Sequential(Upsample(), nn.Conv2d(4, 2, 1))):
        check(randomised(module), picture())
    shared = nn.Conv2d(4, 4, 3, padding=1)
    model = check(Forward(lambda m, x: m.conv(m.conv(x)) + x, conv=shared), picture())
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 1, "weights stay shared"


def test_graphs_of_pytorch():
    """A torch.export program and an fx graph convert as the module they come from."""
    make, shape = NETWORKS["U-Net"]
    module = randomised(make())
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    expected = module(torch.from_numpy(x)).detach().numpy()
    for graph in (torch.export.export(module, (torch.from_numpy(x),)), torch.fx.symbolic_trace(module)):
        answer = channels_moved_back(convert.from_torch(graph)(channels_last(x)))
        np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_precision_is_kept_by_every_layer(dtype):
    """A double module is computed in double from end to end."""
    module = randomised(
        nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(4, 5, 3),
            nn.BatchNorm2d(5),
            nn.PReLU(),
            nn.MaxPool2d(2, 2, 1),
            nn.GroupNorm(1, 5),
            nn.ConvTranspose2d(5, 4, 4, 2, 1),
            nn.PixelShuffle(2),
        ).to(getattr(torch, dtype))
    )
    x = picture().astype(dtype)
    model = convert.from_torch(module)
    answer = channels_moved_back(model(channels_last(x)))
    assert answer.dtype == dtype
    expected = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(answer, expected, rtol=0, atol={"float64": 1e-12, "float16": 0.05}[dtype])


def test_several_inputs():
    """Inputs beside the first need their shapes: a picture and a style."""

    class Styled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.style = nn.Conv2d(4, 6, 3), nn.InstanceNorm2d(6), nn.Linear(5, 12)

        def forward(self, x, style):
            scale, offset = self.style(style).unsqueeze(2).unsqueeze(3).chunk(2, 1)
            return self.norm(self.conv(x)) * (scale + 1) + offset

    module = randomised(Styled())
    x, style = picture(), np.random.default_rng(3).normal(size=(2, 5)).astype("float32")
    with pytest.raises(ConversionError, match=r"Styled takes 2 inputs; give input_shape="):
        convert.from_torch(module)
    model = convert.from_torch(module, input_shape=[(None, None, 4), (5,)])
    expected = module(torch.from_numpy(x), torch.from_numpy(style)).detach().numpy()
    answer = channels_moved_back(model([channels_last(x), style]))
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


def test_pytorch_is_left_as_it_was():
    """Functions, hooks and modes that the conversion changes for its time come back, after errors too."""
    zeros, module = torch.zeros, Forward(lambda m, x: torch.fft.fft(x)).train()
    with pytest.raises(ConversionError):
        convert.from_torch(module)
    assert torch.zeros is zeros
    assert module.training
    assert not torch.nn.modules.module._global_forward_pre_hooks
