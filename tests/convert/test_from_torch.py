"""PyTorch modules and their converted layers compute the same numbers."""

import keras
import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

torch = pytest.importorskip("torch")
nn = torch.nn

CONV_TRANSPOSES = [
    nn.ConvTranspose1d(4, 6, 5, stride=3, padding=2, output_padding=1, groups=2),
    nn.ConvTranspose1d(2, 3, 3, stride=2, dilation=3, output_padding=2, bias=False),
    nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1),
    nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1),
    nn.ConvTranspose2d(4, 8, (3, 5), stride=(1, 3), padding=(0, 2), dilation=(2, 1), groups=4),
    nn.ConvTranspose2d(6, 6, 7, stride=4, groups=6, bias=False),
    nn.ConvTranspose3d(2, 3, (2, 3, 4), stride=(1, 2, 2), padding=(0, 1, 1), output_padding=(0, 1, 0)),
]

MODULES = [
    *CONV_TRANSPOSES,
    nn.Conv1d(4, 6, 3, stride=2, padding=1),
    nn.Conv2d(3, 4, 3, padding=1),
    nn.Conv2d(3, 4, (4, 3), padding="same", dilation=(1, 2)),
    nn.Conv2d(4, 8, 5, stride=2, padding=(3, 1), groups=2, bias=False),
    nn.Conv2d(3, 4, 3, padding="valid"),
    nn.Conv3d(2, 3, 3, padding=1),
    *(nn.Conv1d(4, 9, 3, padding=1), nn.Conv2d(3, 7, 3, padding=1), nn.Conv3d(2, 5, 3, padding=1)),  # = width
    nn.BatchNorm2d(3),
    nn.Upsample(scale_factor=3),
    nn.Upsample(scale_factor=(2, 4), mode="bilinear", align_corners=False),
    nn.Upsample(scale_factor=2, mode="linear"),
    nn.Upsample(scale_factor=(2, 3, 2), mode="trilinear"),
    nn.PixelShuffle(2),
    nn.ReLU(),
    nn.LeakyReLU(0.3),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.Identity(),
    nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Sequential(nn.ConvTranspose2d(8, 12, 4, stride=2, padding=1), nn.LeakyReLU(0.1)),
        nn.Dropout(0.5),
        nn.PixelShuffle(2),
    ),
]


def _title(module):
    return " ".join(str(module).split())[:60]


def _input_channels(module):
    first = next(
        (m for m in module.modules() if hasattr(m, "in_channels") or hasattr(m, "num_features")), None
    )
    if first is None:
        return 8
    return getattr(first, "in_channels", None) or first.num_features


def _rank(module):
    name = type(module).__name__
    by_mode = {"linear": 1, "trilinear": 3}.get(getattr(module, "mode", ""))
    return by_mode or (int(name[-2]) if name[-2].isdigit() else 2)


def _randomise(module):
    """Fresh values for everything, so that no default (0, 1) hides a mistake."""
    generator = torch.Generator().manual_seed(7)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.rand(tensor.shape, generator=generator) + 0.1
    return module.eval()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize(
    ("module", "data_format"),
    [
        *((module, "channels_last") for module in MODULES),
        *((module, "channels_first") for module in MODULES),
    ],
    ids=_title,
)
def test_converted_layer_computes_the_same(module, data_format):
    """Input, weights and window are PyTorch's; so is the answer, in either layout."""
    module = _randomise(module)
    rank = _rank(module)
    sizes = (9, 7, 5)[:rank]
    x = np.random.default_rng(3).normal(size=(2, _input_channels(module), *sizes)).astype("float32")
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    layer = convert.from_torch(module, data_format=data_format)
    if data_format == "channels_first":
        answer = np.array(layer(x))
    else:
        answer = np.moveaxis(np.array(layer(np.moveaxis(x, 1, -1))), -1, 1)
    np.testing.assert_allclose(answer, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "module",
    [
        *CONV_TRANSPOSES,
        nn.Conv2d(3, 4, 5),
        nn.BatchNorm2d(3),
        nn.BatchNorm2d(3, affine=False),
        nn.GroupNorm(2, 4),
        nn.PReLU(3),
        nn.Linear(3, 4),
        MODULES[-1],
    ],
    ids=_title,
)
def test_state_goes_back(module):
    """to_torch_state of the converted layer loads into a fresh module, which then equals the first."""
    module = _randomise(module)
    state = convert.to_torch_state(convert.from_torch(module))
    expected = module.state_dict()
    assert set(state) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(state[name].to(tensor.dtype), tensor) or "num_batches" in name
    module.load_state_dict(state)


def test_unpooling_with_switches_from_torch():
    """Values return to PyTorch's places when its indices are turned into switches."""
    x = torch.rand(2, 3, 6, 8)
    pooled, indices = nn.MaxPool2d(2, return_indices=True)(x)
    expected = nn.MaxUnpool2d(2)(pooled, indices).numpy()
    unpool = convert.from_torch(nn.MaxUnpool2d(2), data_format="channels_last")
    answer = unpool([np.moveaxis(pooled.numpy(), 1, -1), convert.switches_from_torch(indices)])
    np.testing.assert_array_equal(np.moveaxis(np.array(answer), -1, 1), expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_precision_of_the_module_is_kept(dtype):
    """The layer has the module's dtype; bfloat16, which NumPy lacks, becomes float32."""
    layer = convert.from_torch(nn.ConvTranspose2d(2, 3, 4, stride=2).to(dtype))
    assert layer.kernel.dtype == {"bfloat16": "float32"}.get(str(dtype)[6:], str(dtype)[6:])


def test_layers_carry_the_names_of_their_modules():
    """Layers of a Sequential are called as in named_modules()."""
    model = convert.from_torch(MODULES[-1])
    names = {name for name, module in MODULES[-1].named_modules() if list(module.parameters(recurse=False))}
    assert names <= {layer.name for layer in model.layers}


def test_a_converted_sequential_can_be_saved(tmp_path):
    """The result is an ordinary Keras model: it saves, loads and answers alike."""
    module = _randomise(
        nn.Sequential(nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2, 2))
    )
    model = convert.from_torch(module)
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype("float32")
    expected = np.array(model(x))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), expected)


class Unknown(nn.Module):
    pass


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Unknown(), r"The forward of Unknown cannot be followed"),
        (
            nn.Sequential(nn.Sequential(nn.LPPool2d(2, 2))),
            r"Module '0\.0' \(LPPool2d\) calls PyTorch's 'lp_pool2d', which has no converter",
        ),
        (nn.Conv2d(1, 1, 3, stride=2, dilation=2), r"strides and dilation both above 1"),
        (
            type("Upsample", (), {"scale_factor": 1.5, "size": None, "mode": "nearest"})(),
            r"Upsample: has mode='nearest', .*scale_factor=1\.5.* on its own takes whole factors",
        ),
        (nn.Upsample(scale_factor=(2, 2, 2), mode="linear"), r"one for each of 1 spatial axes"),
        (nn.BatchNorm2d(3, track_running_stats=False), r"statistics of each batch"),
        (nn.MaxUnpool2d(3, padding=1), r"MaxUnpool2d has padding="),
    ],
    ids=lambda value: str(value)[:40],
)
def test_module_without_an_equivalent_is_refused(module, reason):
    """What would compute other numbers is refused, with the reason."""
    with pytest.raises(ConversionError, match=reason):
        convert.from_torch(module)
