"""What the operations mean, as loops in NumPy. Nothing of the package is imported here.

Arrays are float64 and channels last: ``x [batch, *sizes, channels]`` and, for transposed convolutions,
``kernel [*kernel_size, filters // groups, channels]``. A transposed convolution is computed in three
ways that share no code; ``test_oracles.py`` holds them against one another.
"""

from __future__ import annotations

import itertools

import numpy as np


def span(kernel_size, dilation):
    """Samples that a dilated kernel covers along each axis."""
    return [1 + (k - 1) * d for k, d in zip(kernel_size, dilation, strict=True)]


def full_sizes(sizes, kernel_size, strides, dilation):
    """Size of the uncropped output along each axis."""
    return [
        1 + (i - 1) * s + (ke - 1)
        for i, s, ke in zip(sizes, strides, span(kernel_size, dilation), strict=True)
    ]


def window_of(full, leads, sizes):
    """``full[lead : lead + size]`` along every spatial axis, zeros past the end."""
    y = np.zeros((full.shape[0], *sizes, full.shape[-1]))
    for at in itertools.product(*map(range, sizes)):
        source = [lead + position for lead, position in zip(leads, at, strict=True)]
        if all(position < limit for position, limit in zip(source, full.shape[1:-1], strict=True)):
            y[(slice(None), *at)] = full[(slice(None), *source)]
    return y


def by_scatter(x, kernel, *, strides, dilation, groups, leads, sizes):
    """Transposed convolution: every input sample stamps the kernel onto the output."""
    kernel_size, per_group, channels = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    inside = channels // groups
    full = np.zeros((len(x), *full_sizes(x.shape[1:-1], kernel_size, strides, dilation), per_group * groups))
    for position in itertools.product(*map(range, x.shape[1:-1])):
        for tap in itertools.product(*map(range, kernel_size)):
            at = [p * s + a * d for p, s, a, d in zip(position, strides, tap, dilation, strict=True)]
            for group in range(groups):
                read = slice(group * inside, (group + 1) * inside)
                write = slice(group * per_group, (group + 1) * per_group)
                stamp = x[(slice(None), *position, read)] @ kernel[(*tap, slice(None), read)].T
                full[(slice(None), *at, write)] += stamp
    return window_of(full, leads, sizes)


def by_zero_insertion(x, kernel, *, strides, dilation, groups, leads, sizes):
    """Transposed convolution: zeros between the samples, then a convolution with the flipped kernel."""
    kernel_size, per_group, channels = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    reach = [ke - 1 for ke in span(kernel_size, dilation)]
    apart = [1 + (i - 1) * s for i, s in zip(x.shape[1:-1], strides, strict=True)]
    padded = np.zeros((len(x), *(n + 2 * r for n, r in zip(apart, reach, strict=True)), channels))
    every = tuple(slice(r, r + n, s) for r, n, s in zip(reach, apart, strides, strict=True))
    padded[(slice(None), *every)] = x
    flipped = kernel[tuple(slice(None, None, -1) for _ in kernel_size)]
    full = np.zeros((len(x), *(n + r for n, r in zip(apart, reach, strict=True)), per_group * groups))
    for at in itertools.product(*map(range, full.shape[1:-1])):
        patch = padded[
            (slice(None), *(slice(q, q + r + 1, d) for q, r, d in zip(at, reach, dilation, strict=True)))
        ]
        for output in range(per_group * groups):
            group, column = divmod(output, per_group)
            read = slice(group * channels // groups, (group + 1) * channels // groups)
            weights = flipped[..., column, read]
            full[(slice(None), *at, output)] = (patch[..., read] * weights).reshape(len(x), -1).sum(1)
    return window_of(full, leads, sizes)


def convolution_matrix(kernel, sizes, *, strides, dilation, groups):
    """The matrix of the convolution whose transpose is the transposed convolution.

    Rows are the (position, channel) pairs of its output, columns the (position, filter) pairs of its
    input, which has the full size.
    """
    kernel_size, per_group, channels = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    full, filters = full_sizes(sizes, kernel_size, strides, dilation), per_group * groups
    matrix = np.zeros((*sizes, channels, *full, filters))
    for position in itertools.product(*map(range, sizes)):
        for channel, output in itertools.product(range(channels), range(filters)):
            if channel // (channels // groups) != output // per_group:
                continue
            for tap in itertools.product(*map(range, kernel_size)):
                at = [p * s + a * d for p, s, a, d in zip(position, strides, tap, dilation, strict=True)]
                matrix[(*position, channel, *at, output)] = kernel[(*tap, output % per_group, channel)]
    return matrix.reshape(int(np.prod(sizes)) * channels, int(np.prod(full)) * filters)


def by_matrix(x, kernel, *, strides, dilation, groups, leads, sizes):
    """Transposed convolution: multiplication by the transposed matrix of the convolution."""
    matrix = convolution_matrix(kernel, x.shape[1:-1], strides=strides, dilation=dilation, groups=groups)
    full = full_sizes(x.shape[1:-1], kernel.shape[:-2], strides, dilation)
    y = (x.reshape(len(x), -1) @ matrix).reshape(len(x), *full, kernel.shape[-2] * groups)
    return window_of(y, leads, sizes)


def input_gradient(dy, kernel, input_sizes, *, strides, dilation, groups, leads):
    """Gradient with respect to the input: the convolution of ``dy``, which lies at ``leads``."""
    kernel_size, per_group, channels = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    dx = np.zeros((len(dy), *input_sizes, channels))
    for position, at, tap in _meetings(dy, kernel_size, input_sizes, strides, dilation, leads):
        for channel in range(channels):
            group = channel // (channels // groups)
            block = dy[(slice(None), *at, slice(group * per_group, (group + 1) * per_group))]
            dx[(slice(None), *position, channel)] += block @ kernel[(*tap, slice(None), channel)]
    return dx


def kernel_gradient(x, dy, kernel_shape, *, strides, dilation, groups, leads):
    """Gradient with respect to the kernel."""
    *kernel_size, per_group, channels = kernel_shape
    dk = np.zeros(kernel_shape)
    for position, at, tap in _meetings(dy, kernel_size, x.shape[1:-1], strides, dilation, leads):
        for channel in range(channels):
            group = channel // (channels // groups)
            block = dy[(slice(None), *at, slice(group * per_group, (group + 1) * per_group))]
            dk[(*tap, slice(None), channel)] += x[(slice(None), *position, channel)] @ block
    return dk


def _meetings(dy, kernel_size, input_sizes, strides, dilation, leads):
    """Every (input position, output position, tap) that contributes to an output inside the window."""
    for position in itertools.product(*map(range, input_sizes)):
        for tap in itertools.product(*map(range, kernel_size)):
            at = [
                p * s + a * d - lead
                for p, s, a, d, lead in zip(position, strides, tap, dilation, leads, strict=True)
            ]
            if all(0 <= q < size for q, size in zip(at, dy.shape[1:-1], strict=True)):
                yield position, at, tap


def convolution_2d(x, kernel, padding):
    """Stride-1 convolution with ``kernel [kh, kw, channels, filters]``, "same" or "valid"."""
    kh, kw = kernel.shape[:2]
    if padding == "same":
        x = np.pad(x, [(0, 0), ((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2), (0, 0)])
    y = np.zeros((len(x), x.shape[1] - kh + 1, x.shape[2] - kw + 1, kernel.shape[3]))
    for row, column in itertools.product(range(y.shape[1]), range(y.shape[2])):
        for example in range(len(x)):
            patch = x[example, row : row + kh, column : column + kw]
            y[example, row, column] = (patch[..., None] * kernel).sum((0, 1, 2))
    return y


def nearest(x, factors):
    """Repeat every sample."""
    sizes = [size * f for size, f in zip(x.shape[1:-1], factors, strict=True)]
    y = np.zeros((len(x), *sizes, x.shape[-1]))
    for at in itertools.product(*map(range, sizes)):
        y[(slice(None), *at)] = x[(slice(None), *(q // f for q, f in zip(at, factors, strict=True)))]
    return y


def linear(x, factors, boundary):
    """Sample the piecewise linear function through ``x`` at half-pixel centres."""
    sizes = [size * f for size, f in zip(x.shape[1:-1], factors, strict=True)]
    y = np.zeros((len(x), *sizes, x.shape[-1]))
    for at in itertools.product(*map(range, sizes)):
        places = [(q + 0.5) / f - 0.5 for q, f in zip(at, factors, strict=True)]
        floors = [int(np.floor(place)) for place in places]
        for corner in itertools.product((0, 1), repeat=len(places)):
            source = [floor + step for floor, step in zip(floors, corner, strict=True)]
            weight = np.prod([1 - abs(place - p) for place, p in zip(places, source, strict=True)])
            if boundary == "edge":
                source = [min(max(p, 0), size - 1) for p, size in zip(source, x.shape[1:-1], strict=True)]
            elif any(not 0 <= p < size for p, size in zip(source, x.shape[1:-1], strict=True)):
                continue
            y[(slice(None), *at)] += weight * x[(slice(None), *source)]
    return y


def sum_neighbouring_channels(x, count):
    """Add every ``count`` consecutive channels."""
    y = np.zeros((*x.shape[:-1], x.shape[-1] // count))
    for channel in range(x.shape[-1]):
        y[..., channel // count] += x[..., channel]
    return y


def pixel_shuffle(x, factors, order):
    """Channels into space; the phase is the outer ("dcr") or the inner ("crd") part of a channel's number."""
    phases = list(itertools.product(*map(range, factors)))
    channels = x.shape[-1] // len(phases)
    y = np.zeros((len(x), *(size * f for size, f in zip(x.shape[1:-1], factors, strict=True)), channels))
    for number, phase in enumerate(phases):
        for channel in range(channels):
            source = number * channels + channel if order == "dcr" else channel * len(phases) + number
            at = tuple(slice(p, None, f) for p, f in zip(phase, factors, strict=True))
            y[(slice(None), *at, channel)] = x[..., source]
    return y


def pooling_windows(size, pool, stride, padding):
    """The (start, end) of every pooling window along one axis, clipped to the input."""
    if padding == "valid":
        return [(at, at + pool) for at in range(0, size - pool + 1, stride)]
    count = -(-size // stride)
    before = max((count - 1) * stride + pool - size, 0) // 2
    starts = [n * stride - before for n in range(count)]
    return [(max(start, 0), min(start + pool, size)) for start in starts]


def max_pool(x, pool_size, strides, padding):
    """Maxima and their flat positions ``(row * width + column) * channels + channel``; the first wins."""
    batch, height, width, channels = x.shape
    rows = pooling_windows(height, pool_size[0], strides[0], padding)
    columns = pooling_windows(width, pool_size[1], strides[1], padding)
    pooled = np.zeros((batch, len(rows), len(columns), channels))
    switches = np.zeros(pooled.shape, np.int64)
    for n, (r, (top, bottom)), (c, (left, right)), channel in itertools.product(
        range(batch), enumerate(rows), enumerate(columns), range(channels)
    ):
        best = (-np.inf, None)
        for row, column in itertools.product(range(top, bottom), range(left, right)):
            if best[1] is None or x[n, row, column, channel] > best[0]:
                best = (x[n, row, column, channel], (row * width + column) * channels + channel)
        pooled[n, r, c, channel], switches[n, r, c, channel] = best
    return pooled, switches


def max_unpool(x, switches, output_sizes, duplicates="last"):
    """Every value at its switch; later windows overwrite, or add to, earlier ones."""
    y = np.zeros((len(x), output_sizes[0] * output_sizes[1] * x.shape[-1]))
    for at in itertools.product(*map(range, x.shape)):
        target = (at[0], switches[at])
        y[target] = x[at] + (y[target] if duplicates == "sum" else 0)
    return y.reshape(len(x), *output_sizes, x.shape[-1])
