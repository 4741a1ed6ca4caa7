"""Modules of PyTorch that no layer computes are refused, with the reason."""

import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from convert.torch_modules import Forward, check, picture  # noqa: E402
from torch import nn  # noqa: E402

REFUSED = [
    (lambda m, x: torch.fft.fft(x), r"calls PyTorch's 'fft_fft', which has no converter\. Converted are: "),
    (lambda m, x: x if x.sum() > 0 else -x, r"branches on the numbers of a tensor|over the batch axis"),
    (lambda m, x: x.view(-1, 4), r"\[\?, \?, \?, 4\]|mixes the batch with other axes"),
    (
        lambda m, x: x if x.shape[2] % 2 == 0 else -x,
        r"Sizes that are unknown are compared \(==\).* Take the condition away.*input_shape=.* \(test_torch_"
        r"refused\.py, line \d+\)$",
    ),
    (
        lambda m, x: x[:, :, : int(x.shape[2] / 2)],
        r"depends on a size of the input that is unknown.*input_shape=.*line \d+\)$",
    ),
    (lambda m, x: F.pad(x, [0, 9 // x.shape[3]]), r"by other than sums.*input_shape="),
    (lambda m, x: F.dropout(x), r"dropout is called with training=True"),
    (lambda m, x: F.batch_norm(x, None, None, training=True), r"statistics of each batch"),
    (lambda m, x: F.conv2d(x, x), r"computes its weight from the input"),
    (lambda m, x: x.numpy(), r"calls PyTorch's 'numpy'"),
    (lambda m, x: torch.mean(x, (0, 2)), r"over the batch axis"),
    (lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear3d"), r"mode='bilinear3d' on 2"),
    (lambda m, x: F.avg_pool2d(x, 2, divisor_override=3), r"divisor_override=3"),
    (lambda m, x: torch.add(x, 1, out=x), r"called in a way that has no converter: .*'out'"),
    (lambda m, x: x[:, [1, 0], [1, 0]], r"Indexing by several lists at once"),
    (lambda m, x: x[:, x.argmax(1)], r"Indexing by a tensor that is computed"),
    (lambda m, x: x + torch.randn(1), r"draws random numbers in evaluation mode.* as an input"),
    (lambda m, x: x.std(), r"over the batch axis"),
    (lambda m, x: x.sum(1, dtype=torch.float64), r"calls sum of float32 with dtype=torch\.float64"),
    (lambda m, x: torch.einsum("nchw->chw", x), r"einsum\('nchw->chw'\) does not keep the batch"),
    (lambda m, x: torch.tensor([x.shape[2]]) and x, r"depends on a size of the input that is unknown"),
    (lambda m, x: len(5), r"cannot be followed in Forward: .* give input_shape=.*line \d+\)$"),
    (lambda m, x: 1, r"returns int, which does not depend on its input"),
    (lambda m, x: torch.cat([x, torch.ones(2, 1, 8, 6)], 1), r"constant .* is concatenated"),
]


@pytest.mark.parametrize(("function", "reason"), REFUSED, ids=[reason[:40] for _, reason in REFUSED])
def test_call_without_an_equivalent_is_refused(function, reason):
    """A function, argument or branch that no layer computes is named."""
    with pytest.raises(ConversionError, match=reason):
        convert.from_torch(Forward(function))


def test_a_lazy_layer_is_refused_until_it_has_weights():
    """A lazily initialised module converts once it has been called."""
    module = nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyConvTranspose2d(2, 4, stride=2))
    with pytest.raises(
        ConversionError, match=r"Sequential has a weight of unknown shape, '0\.weight'.* Call"
    ):
        convert.from_torch(module)
    module(torch.zeros(1, 4, 8, 6))
    check(module, picture())


def test_a_tensor_changed_under_a_view_is_refused():
    """PyTorch would change the view, too; no layer does."""

    def forward(module, x):
        y = module.conv(x)
        half = y[:, :2]
        F.relu(half, inplace=True)
        return y

    with pytest.raises(ConversionError, match=r"changed in place while a view"):
        convert.from_torch(Forward(forward, conv=nn.Conv2d(4, 4, 1)))
