"""Small networks of the kinds that people port, as they are written in PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")  # examples are looked for in every module, this one too
nn, F = torch.nn, torch.nn.functional
spectral_norm, weight_norm = nn.utils.spectral_norm, nn.utils.weight_norm


def channels_last(x):
    """An image or a sequence in Keras's layout; features as they are."""
    return np.moveaxis(x, 1, -1) if x.ndim > 2 else x


def channels_moved_back(y):
    """A Keras tensor in PyTorch's layout."""
    y = np.array(y)
    return np.moveaxis(y, -1, 1) if y.ndim > 2 else y


def randomised(module):
    """The module in evaluation mode with values that no default (0, 1) hides."""
    generator = torch.Generator().manual_seed(5)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.is_floating_point() and tensor.ndim and not name.endswith(("_u", "_v")):
            positive = "running_var" in name or name.endswith("_g")
            value = torch.rand(tensor.shape, generator=generator) * 0.5
            tensor.data = (value + 0.8 if positive else (value - 0.22) * 1.2).to(tensor.dtype)
    return module.eval()


def twice(channels, filters):
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, padding=1),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
        nn.Conv2d(filters, filters, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class FSRCNN(nn.Module):
    def __init__(self, scale=2, d=12, s=5):
        super().__init__()
        stages = [(1, d, 5), (d, s, 1), (s, s, 3), (s, s, 3), (s, d, 1)]
        layers = [(nn.Conv2d(a, b, k, padding=k // 2), nn.PReLU(b)) for a, b, k in stages]
        self.body = nn.Sequential(*(layer for pair in layers for layer in pair))
        self.up = nn.ConvTranspose2d(d, 1, 9, stride=scale, padding=4, output_padding=scale - 1)

    def forward(self, x):
        return self.up(self.body(x))


class UNet(nn.Module):
    """With learned upsampling; ``pads`` and ``bilinear`` as in the implementation that is copied most."""

    def __init__(self, *, pads=False, bilinear=False):
        super().__init__()
        self.pads = pads
        self.down1, self.down2, self.bottom = twice(3, 4), twice(4, 8), twice(8, 16)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(16, 8, 2, 2)
        if bilinear:
            upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.up2 = nn.Sequential(upsample, nn.Conv2d(16, 8, 1))
        self.up1 = nn.ConvTranspose2d(8, 4, 2, 2)
        self.merge2, self.merge1 = twice(16, 8), twice(8, 4)
        self.scores = nn.Conv2d(4, 2, 1)

    def join(self, coarse, skip):
        if self.pads:
            rows, columns = skip.size(2) - coarse.size(2), skip.size(3) - coarse.size(3)
            around = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
            coarse = F.pad(coarse, around)
        return torch.cat([skip, coarse], dim=1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(self.pool(a))
        y = self.up2(self.bottom(self.pool(b)))
        y = self.merge2(self.join(y, b))
        y = self.merge1(self.join(self.up1(y), a))
        return self.scores(y)


class SegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode1, self.encode2, self.decode2 = twice(3, 4), twice(4, 6), twice(6, 4)
        self.pool = nn.MaxPool2d(2, 2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2, 2)
        self.scores = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x):
        x = self.encode1(x)
        size1 = x.size()
        x, indices1 = self.pool(x)
        x = self.encode2(x)
        size2 = x.size()
        x, indices2 = self.pool(x)
        x = self.decode2(self.unpool(x, indices2, output_size=size2))
        return self.scores(self.unpool(x, indices1, output_size=size1))


class ENet(nn.Module):
    """The initial, a downsampling, an asymmetric, a dilated and an upsampling bottleneck of ENet."""

    def __init__(self):
        super().__init__()
        self.first, self.pool = nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.MaxPool2d(3, 2, padding=1)
        self.norm, self.slope = nn.BatchNorm2d(8), nn.PReLU()
        self.main_pool = nn.MaxPool2d(2, return_indices=True)
        self.extension = nn.Sequential(
            nn.Conv2d(8, 4, 2, 2), nn.PReLU(), nn.Conv2d(4, 16, 1), nn.Dropout2d(0.1)
        )
        self.dilated = nn.Conv2d(16, 16, 3, padding=2, dilation=2)
        self.asymmetric = nn.Sequential(
            nn.Conv2d(16, 16, (5, 1), padding=(2, 0)), nn.Conv2d(16, 16, (1, 5), padding=(0, 2))
        )
        self.main_up, self.unpool = nn.Conv2d(16, 8, 1), nn.MaxUnpool2d(2)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.last = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        x = self.slope(self.norm(torch.cat((self.first(x), self.pool(x)), 1)))
        size = x.size()
        extension = self.extension(x)
        main, indices = self.main_pool(x)
        n, channels, h, w = extension.size()
        padding = torch.zeros(n, channels - main.size(1), h, w)
        if main.is_cuda:
            padding = padding.cuda()
        x = torch.relu(torch.cat((main, padding), 1) + extension)
        x = self.asymmetric(self.dilated(x)) + x
        return self.last(self.unpool(self.main_up(x), indices, output_size=size) + self.up(x))


class VNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.elu = (
            nn.Conv3d(1, 4, 5, padding=2),
            nn.BatchNorm3d(4),
            nn.ELU(inplace=True),
        )
        self.down, self.conv, self.slope = nn.Conv3d(4, 8, 2, 2), nn.Conv3d(8, 8, 3, padding=1), nn.PReLU(8)
        self.group, self.drop = nn.GroupNorm(2, 8), nn.Dropout3d()
        self.up, self.scores = nn.ConvTranspose3d(8, 4, 2, 2), nn.Conv3d(8, 2, 1)

    def forward(self, x):
        skip = self.elu(self.norm(self.first(x)) + torch.cat([x] * 4, 1))
        y = self.down(skip)
        y = self.group(self.slope(self.conv(self.drop(y)) + y))
        return F.softmax(self.scores(torch.cat((self.up(y), skip), 1)), dim=1)


class HiFiGAN(nn.Module):
    """Upsamplers with weight_norm and the sum of their residual blocks."""

    def __init__(self):
        super().__init__()
        self.pre = weight_norm(nn.Conv1d(6, 8, 7, padding=3))
        self.ups = nn.ModuleList(
            [
                weight_norm(nn.ConvTranspose1d(8, 8, 8, 4, padding=2)),
                weight_norm(nn.ConvTranspose1d(8, 8, 4, 2, padding=1)),
            ]
        )
        self.blocks = nn.ModuleList(
            [weight_norm(nn.Conv1d(8, 8, 3, dilation=d, padding=d)) for d in (1, 3, 1, 5)]
        )
        self.post = weight_norm(nn.Conv1d(8, 1, 7, padding=3))

    def forward(self, x):
        x = self.pre(x)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            total = None
            for block in self.blocks[2 * stage : 2 * stage + 2]:
                y = block(F.leaky_relu(x, 0.1)) + x
                if total is None:
                    total = y
                else:
                    total += y
            x = total / 2
        return torch.tanh(self.post(F.leaky_relu(x)))


class Equalized(nn.Module):
    def __init__(self, channels, filters, size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(filters, channels, size, size))
        self.bias = nn.Parameter(torch.randn(filters))
        self.scale = (2 / (channels * size * size)) ** 0.5

    def forward(self, x):
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


class StyleGANBlock(nn.Module):
    """Equalized learning rate, pixel normalisation, a blur and a skip in colours."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = Equalized(4, 6, 3), Equalized(6, 6, 3)
        self.colour, self.skip = Equalized(6, 3, 1), Equalized(4, 3, 1)
        taps = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("blur", taps[:, None] * taps / 16)

    @staticmethod
    def normalised(x):
        return x * torch.rsqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)

    def forward(self, x):
        y = F.leaky_relu(self.conv1(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        blur = self.blur.expand(6, 1, 3, 3)
        y = F.conv2d(self.normalised(y), blur, padding=1, groups=6) * 2**0.5
        y = self.normalised(F.leaky_relu(self.conv2(y), 0.2))
        skip = F.interpolate(self.skip(x), scale_factor=2, mode="bilinear", align_corners=False)
        return self.colour(y) + skip


class DCGAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(10, 16 * 16)
        self.main = nn.Sequential(
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            spectral_norm(nn.ConvTranspose2d(16, 8, 4, 2, 1)),
            nn.BatchNorm2d(8),
            nn.ReLU(True),
            nn.ConvTranspose2d(8, 3, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.main(self.project(z).view(-1, 16, 4, 4))


class RealESRGANCompact(nn.Module):
    """A list of modules in a loop, and the picture's own pixels added in place."""

    def __init__(self, scale=4, width=8):
        super().__init__()
        self.scale = scale
        self.body = nn.ModuleList([nn.Conv2d(3, width, 3, 1, 1), nn.PReLU(width)])
        for _ in range(2):
            self.body.extend([nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(width)])
        self.body.append(nn.Conv2d(width, 3 * scale * scale, 3, 1, 1))
        self.upsampler = nn.PixelShuffle(scale)
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))

    def forward(self, x):
        self.mean = self.mean.type_as(x)
        out = x - self.mean
        for layer in self.body:
            out = layer(out)
        out = self.upsampler(out)
        out += F.interpolate(x, scale_factor=self.scale, mode="nearest")
        return out + self.mean


class IMDN(nn.Module):
    """Information multi-distillation: parts are split off, and channels weighted by their contrast."""

    def __init__(self, width=8, scale=3):
        super().__init__()
        self.parts = width // 4, width - width // 4
        self.first, self.one = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(self.parts[1], width, 3, padding=1)
        self.three = nn.Conv2d(self.parts[1], self.parts[0], 3, padding=1)
        self.join, self.act = nn.Conv2d(3 * self.parts[0], width, 1), nn.LeakyReLU(0.05, inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.weigh = nn.Sequential(
            nn.Conv2d(width, 2, 1), nn.ReLU(True), nn.Conv2d(2, width, 1), nn.Sigmoid()
        )
        self.up = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    @staticmethod
    def mean(x):
        return x.sum(3, keepdim=True).sum(2, keepdim=True) / (x.size(2) * x.size(3))

    def forward(self, x):
        x = self.first(x)
        kept1, rest = torch.split(self.act(self.one(x)), self.parts, dim=1)
        kept2, rest = torch.split(self.act(self.two(rest)), self.parts, dim=1)
        y = self.join(torch.cat([kept1, kept2, self.three(rest)], dim=1))
        contrast = self.mean((y - self.mean(y)).pow(2)).pow(0.5)
        return self.up(y * self.weigh(contrast + self.pool(y)) + x)


class NAFNet(nn.Module):
    """Filled up to a multiple, normalised over channels by hand, gated by halves of the channels."""

    def __init__(self, width=4):
        super().__init__()
        self.intro, self.down = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 2 * width, 2, 2)
        self.wide, self.deep = nn.Conv2d(2 * width, 4 * width, 1), nn.Conv2d(2 * width, 2 * width, 1)
        self.weigh = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2 * width, 2 * width, 1))
        self.scale, self.offset = nn.Parameter(torch.ones(2 * width)), nn.Parameter(torch.zeros(2 * width))
        self.beta = nn.Parameter(torch.zeros(1, 2 * width, 1, 1))
        self.up = nn.Sequential(nn.Conv2d(2 * width, 4 * width, 1, bias=False), nn.PixelShuffle(2))
        self.ending = nn.Conv2d(width, 3, 3, padding=1)

    def norm(self, x):
        mean = x.mean(1, keepdim=True)
        y = (x - mean) / ((x - mean).pow(2).mean(1, keepdim=True) + 1e-6).sqrt()
        return self.scale.view(1, -1, 1, 1) * y + self.offset.view(1, -1, 1, 1)

    def forward(self, image):
        _, _, h, w = image.shape
        image = F.pad(image, (0, (4 - w % 4) % 4, 0, (4 - h % 4) % 4))
        skip = self.intro(image)
        x = self.down(skip)
        first, second = self.wide(self.norm(x)).chunk(2, dim=1)
        y = first * second
        x = x + self.deep(y * self.weigh(y)) * self.beta
        return (self.ending(self.up(x) + skip) + image)[:, :, :h, :w]


NETWORKS = {
    "FSRCNN": (FSRCNN, (1, 1, 9, 7)),
    "U-Net": (UNet, (1, 3, 16, 24)),
    "U-Net that pads": (lambda: UNet(pads=True), (1, 3, 18, 21)),
    "U-Net with align_corners": (lambda: UNet(bilinear=True), (1, 3, 16, 20)),
    "SegNet": (SegNet, (1, 3, 13, 18)),
    "ENet": (ENet, (1, 3, 16, 32)),
    "V-Net": (VNet, (1, 1, 6, 8, 4)),
    "HiFi-GAN": (HiFiGAN, (1, 6, 11)),
    "StyleGAN block": (StyleGANBlock, (1, 4, 5, 6)),
    "DCGAN": (DCGAN, (2, 10)),
    "Real-ESRGAN compact": (RealESRGANCompact, (2, 3, 7, 5)),
    "IMDN": (IMDN, (2, 3, 9, 7)),
    "NAFNet": (NAFNet, (2, 3, 9, 7)),
}
"""Name -> how to make the network, the shape of an input."""
