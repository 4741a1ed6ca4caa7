"""Phase sums, checkerboard scores and the energy of artifacts."""

from __future__ import annotations

import numpy as np
import oracles
import pytest

from tfdeconv import analysis
from tfdeconv.errors import InvalidArgumentError


def interior(kernel, strides, dilation):
    """One period of the interior output for a constant input of 1, by the scatter loops."""
    sizes = [12] * len(strides)
    x = np.ones((1, *sizes, kernel.shape[-1]))
    leads = [6 * s for s in strides]
    y = oracles.by_scatter(
        x, kernel, strides=strides, dilation=dilation, groups=1, leads=leads, sizes=list(strides)
    )
    return y[0]


@pytest.mark.parametrize(
    ("kernel_size", "strides", "dilation"),
    [
        ((3,), (2,), (1,)),
        ((5,), (3,), (1,)),
        ((4,), (2,), (1,)),
        ((3,), (3,), (2,)),
        ((3, 4), (2, 3), (1, 1)),
    ],
)
def test_phase_sums_are_the_interior_of_a_constant(kernel_size, strides, dilation):
    """Summed over channels, the phase sums are what a constant input becomes."""
    kernel = np.random.default_rng(0).normal(size=(*kernel_size, 2, 3))
    sums = analysis.phase_sums(kernel, strides, dilation)
    assert sums.shape == (*strides, 2, 3)
    np.testing.assert_allclose(sums.sum(axis=-1), interior(kernel, strides, dilation), atol=1e-12)


def test_score_is_relative_amplitude():
    """The score is the pattern's amplitude relative to the output's, over independent channels."""
    kernel = np.random.default_rng(1).normal(size=(5, 5, 2, 3))
    sums = analysis.phase_sums(kernel, 2)
    pattern, total = 0.0, 0.0
    for f in range(2):
        for c in range(3):
            phases = [sums[r, t, f, c] for r in range(2) for t in range(2)]
            mean = sum(phases) / 4
            pattern += sum((p - mean) ** 2 for p in phases)
            total += sum(p**2 for p in phases)
    assert analysis.checkerboard_score(kernel, 2) == pytest.approx((pattern / total) ** 0.5)


def test_zero_kernel_has_no_checkerboard():
    """A kernel of zeros, as a residual branch starts, scores 0 and not NaN."""
    assert analysis.checkerboard_score(np.zeros([3, 3]), 2) == 0.0


@pytest.mark.parametrize("strides", [(2,), (3,), (2, 3)])
def test_artifact_energy_is_the_energy_at_the_strides_frequencies(strides):
    """The folded form equals the sum of the Fourier coefficients at multiples of 1 / stride."""
    shape = tuple(12 * s for s in strides)
    signal = np.random.default_rng(2).normal(size=shape) + 3
    spectrum = np.abs(np.fft.fftn(signal)) ** 2
    harmonics = spectrum[tuple(slice(None, None, 12) for _ in strides)]
    expected = (harmonics.sum() - harmonics.flat[0]) / spectrum.sum()
    assert analysis.artifact_energy(signal, strides) == pytest.approx(expected)


def test_artifact_energy_sees_a_pattern_in_noise():
    """A pattern that is added to natural noise shows; the noise alone does not."""
    noise = analysis.natural_signal((64, 64), 1)
    pattern = 0.1 * (np.indices((64, 64)).sum(axis=0)[..., None] % 2)
    clean, marked = (analysis.artifact_energy(image, (2, 2)) for image in (noise, noise + pattern))
    assert clean < 1e-4
    assert marked > 20 * clean


def test_natural_signal_falls_off_as_one_over_frequency():
    """Log amplitude against log frequency has slope -1."""
    spectrum = np.abs(np.fft.fft2(analysis.natural_signal((128, 128), 1)[..., 0]))
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    inside = (radius > 0.02) & (radius < 0.4)
    slope, _ = np.polyfit(np.log(radius[inside]), np.log(spectrum[inside]), 1)
    assert slope == pytest.approx(-1, abs=0.05)


@pytest.mark.parametrize(
    ("signal", "strides"), [([1.0], 2), (np.ones([4, 4, 4, 4]), (2, 2)), (np.ones(4), (2, 2))]
)
def test_signals_that_do_not_fit_are_refused(signal, strides):
    """A signal needs a period along each axis."""
    with pytest.raises(InvalidArgumentError, match="signal must have"):
        analysis.artifact_energy(signal, strides)
