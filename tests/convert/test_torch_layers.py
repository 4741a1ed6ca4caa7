"""PyTorch's layers beside convolutions convert to the same numbers."""

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from convert.torch_modules import Forward, check, picture  # noqa: E402
from convert.torch_networks import randomised  # noqa: E402
from torch import nn  # noqa: E402

ACTIVATIONS = [
    nn.PReLU(), nn.PReLU(4), nn.ReLU6(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.ELU(0.7), nn.SELU(),
    nn.CELU(0.6), nn.Softmax(1), nn.Softmax2d(), nn.LogSoftmax(1), nn.Hardtanh(-0.5, 0.7), nn.Hardswish(),
    nn.Hardsigmoid(), nn.Mish(), nn.Softplus(), nn.Softplus(2.0), nn.Softsign(), nn.LogSigmoid(),
    nn.Tanhshrink(), nn.Threshold(0.1, 2.0), nn.LeakyReLU(0.3), nn.ReLU(inplace=True),
]  # fmt: skip
POOLING = [
    nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2),
    nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1),
]  # fmt: skip
NORMALISATIONS = [
    nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4), nn.GroupNorm(2, 4, affine=False),
    nn.InstanceNorm2d(4), nn.InstanceNorm2d(4, affine=True),
    nn.InstanceNorm2d(4, affine=True, track_running_stats=True), nn.LayerNorm(6),
]  # fmt: skip
PADDING = [
    nn.ZeroPad2d((1, 2, 0, 3)), nn.ZeroPad2d((-1, 2, 0, -3)), nn.ReflectionPad2d((1, 2, 0, 3)),
    nn.ReplicationPad2d((1, 2, 0, 3)), nn.CircularPad2d((1, 2, 0, 3)), nn.ConstantPad2d((1, 2, 0, 3), 0.7),
    nn.Conv2d(4, 5, 3, padding=1, padding_mode="reflect"),
    nn.Conv2d(4, 5, 3, padding=(1, 2), padding_mode="circular"),
]  # fmt: skip
RESIZING = [
    nn.UpsamplingNearest2d(scale_factor=2), nn.Upsample(scale_factor=(2, 3), mode="nearest-exact"),
    nn.Upsample(scale_factor=2, mode="bilinear"), nn.PixelShuffle(2), nn.Flatten(),
]  # fmt: skip


@pytest.mark.parametrize(
    "module",
    [*ACTIVATIONS, *POOLING, *NORMALISATIONS, *PADDING, *RESIZING],
    ids=lambda module: str(module)[:50],
)
def test_layer_of_pytorch(module):
    """Layers beside convolutions, in the same numbers for free sizes."""
    check(randomised(module), picture())


@pytest.mark.parametrize(
    "module",
    [
        nn.UpsamplingBilinear2d(scale_factor=2),
        nn.Upsample(scale_factor=1.5, mode="bilinear"),
        nn.Upsample(size=(5, 13), mode="bilinear", align_corners=True),
        nn.Upsample(scale_factor=1.7),
        nn.Upsample(scale_factor=1.7, mode="nearest-exact"),
        nn.AdaptiveAvgPool2d((4, 3)),
        nn.AdaptiveAvgPool2d((3, 5)),
        nn.Upsample(scale_factor=2, mode="bicubic"),
        nn.Upsample(size=(5, 9), mode="bicubic", align_corners=True),
        *(
            Forward(lambda m, x, o=options: F.interpolate(x, **o))
            for options in (
                {"scale_factor": 0.4, "mode": "bilinear", "antialias": True},
                {"size": (3, 11), "mode": "bicubic", "antialias": True},
                {"scale_factor": 0.3, "mode": "area"},
            )
        ),
        nn.PixelUnshuffle(2),
        nn.ChannelShuffle(2),
        nn.GLU(1),
        nn.MaxPool2d(2, 2, 1, ceil_mode=True),
        nn.AvgPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True),
    ],
    ids=lambda module: str(module)[:60],
)
def test_layer_that_depends_on_the_size(module):
    """What depends on sizes or channels converts where input_shape gives them."""
    check(module, picture(), input_shape=(8, 6, 4))


@pytest.mark.parametrize(("conv", "sizes"), [(nn.Conv1d, (7,)), (nn.Conv2d, (7, 5)), (nn.Conv3d, (7, 5, 3))])
def test_rank_of_upsampling_comes_from_its_neighbours(conv, sizes):
    """A scale for all axes serves sequences, images and volumes; alone it needs input_shape."""
    check(nn.Sequential(nn.Upsample(scale_factor=2), conv(4, 3, 3)), picture(sizes=sizes))
    check(nn.Sequential(conv(4, 3, 3), nn.Upsample(scale_factor=2)), picture(sizes=sizes))
    check(nn.Upsample(scale_factor=(2,) * len(sizes)), picture(sizes=sizes))
    check(nn.Upsample(scale_factor=2), picture(sizes=sizes), input_shape=(*sizes, 4))
