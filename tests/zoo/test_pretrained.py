"""Shipped weights: whole, small, and used by default."""

import hashlib
import itertools

import numpy as np
import pytest
from PIL import Image

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.bicubic import degrade
from tfdeconv.imaging.luma import luma
from tfdeconv.training.jpeg import through_jpeg
from tfdeconv.zoo.upscalers import pretrained
from tfdeconv.zoo.upscalers.fine import Fine
from tfdeconv.zoo.upscalers.pretrained import load_weights, named_weights, save_weights
from tfdeconv.zoo.upscalers.slim import Slim
from tfdeconv.zoo.upscalers.upscaler_model import (
    ARCHITECTURES,
    DATA,
    LUMA_NETWORKS,
    SCALES,
    load_upscaler,
)

SHIPPED = sorted(path.name for path in pretrained.WEIGHTS.glob("*.npz"))


def sums():
    lines = (pretrained.WEIGHTS / "SHA256SUMS").read_text().splitlines()
    return {name: checksum for checksum, name in map(str.split, lines)}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_is_small_and_has_its_checksum(name):
    """At most 250 KB each, listed in SHA256SUMS with the right sum."""
    content = (pretrained.WEIGHTS / name).read_bytes()
    assert len(content) <= 250_000
    assert sums()[name] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_fits_its_network(name):
    """ARCHITECTURE-xSCALE-DATA.npz loads into that network, and holds finite numbers."""
    architecture, scale, data = name.removesuffix(".npz").split("-", 2)
    model = LUMA_NETWORKS[architecture](int(scale[1:]), weights=data)
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)
    assert model.count_params() <= 50_000


def test_nothing_is_listed_that_does_not_ship():
    """SHA256SUMS names exactly the files beside it."""
    assert sorted(sums()) == SHIPPED


@pytest.mark.parametrize(("quality", "source", "scale"), list(itertools.product(ARCHITECTURES, DATA, SCALES)))
def test_the_upscalers_are_trained(quality, source, scale):
    """load_upscaler's models sharpen an edge: they differ from the bilinear start."""
    luma = np.full((1, 12, 12, 1), 0.2, np.float32)
    luma[:, :, 6:] = 0.8
    trained = load_upscaler(scale, quality=quality, source=source)(luma)
    untrained = LUMA_NETWORKS["slim"](scale)(luma)
    inside = np.s_[0, 4 * scale : 8 * scale, 4 * scale : 8 * scale, 0]
    steepest = [np.diff(image.numpy()[inside], axis=1).max() for image in (trained, untrained)]
    assert steepest[0] > 1.3 * steepest[1]
    assert trained.shape == (1, 12 * scale, 12 * scale, 1)


def test_quality_and_source_choose_the_weights():
    """Each is that network with those weights; fast and clean is what is meant without a word."""
    luma = np.random.default_rng(0).random((1, 9, 8, 1)).astype(np.float32)
    for quality, source, network, name in (
        ("fast", "clean", Slim, "cc0-photos"),
        ("fast", "jpeg", Slim, "cc0-photos-jpeg"),
        ("fine", "clean", Fine, "cc0-photos"),
        ("fine", "jpeg", Fine, "cc0-photos-jpeg"),
    ):
        expected = network(2, weights=name)(luma)
        np.testing.assert_array_equal(load_upscaler(2, quality=quality, source=source)(luma), expected)
    np.testing.assert_array_equal(load_upscaler(2)(luma), Slim(2, weights="cc0-photos")(luma))


def test_what_does_not_ship_is_refused_with_what_does():
    """The error names the argument, what there is and what was received."""
    with pytest.raises(InvalidArgumentError, match="scale must be 2, 3 or 4; received 5"):
        load_upscaler(5)
    with pytest.raises(InvalidArgumentError, match="quality must be 'fast' or 'fine'; received 'best'"):
        load_upscaler(2, quality="best")
    with pytest.raises(InvalidArgumentError, match="source must be 'clean' or 'jpeg'; received 'png'"):
        load_upscaler(2, source="png")


def test_fine_and_repair_are_worth_it():
    """A photograph enlarged again: fine beats fast, and on JPEG of quality 40 the weights for it win."""
    from tfdeconv.cli.commands.demo import PHOTO

    with Image.open(PHOTO) as image:
        original = np.asarray(image.convert("RGB"))
    low, high = degrade(original, 2)

    def error(low, **choice):
        upscaled = load_upscaler(2, **choice)(luma(low)[None, :, :, None])[0, :, :, 0].numpy()
        return np.square(upscaled - luma(high)).mean()

    assert error(low, quality="fine") < 0.98 * error(low)
    hurt = through_jpeg(low, 40)
    assert error(hurt, source="jpeg") < 0.97 * error(hurt)


def test_saved_weights_come_back(tmp_path):
    """save_weights and load_weights are inverse."""
    first, second = Slim(2), Slim(2)
    first.get_layer("upsample").bias.assign([0.5])
    save_weights(first, tmp_path / "weights.npz")
    load_weights(second, tmp_path / "weights.npz")
    for name, weight in named_weights(first).items():
        np.testing.assert_array_equal(weight.numpy(), named_weights(second)[name].numpy())
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]


def test_weights_of_another_network_are_refused(tmp_path):
    """The message names a weight that does not fit, and both shapes."""
    save_weights(Slim(2), tmp_path / "weights.npz")
    with pytest.raises(
        InvalidArgumentError, match=r"'upsample/kernel' has shape \(6, 6, 1, 16\).*\(8, 8, 1, 16\)"
    ):
        load_weights(Slim(4), tmp_path / "weights.npz")


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    """Neither a missing file nor another format leads to NumPy's traceback, or to advice to unpickle it."""
    with pytest.raises(
        InvalidArgumentError, match=r"missing.npz' cannot be read: No such file or directory\."
    ):
        load_weights(Slim(2), tmp_path / "missing.npz")
    save_weights(Slim(2), tmp_path / "whole.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("no weights")
    for name in ("array.npy", "text.npz"):
        with pytest.raises(InvalidArgumentError, match=rf"weights '.*{name}' must be an \.npz file"):
            load_weights(Slim(2), tmp_path / name)
    whole = bytearray((tmp_path / "whole.npz").read_bytes())
    whole[200] ^= 1
    (tmp_path / "damaged.npz").write_bytes(whole)
    with pytest.raises(InvalidArgumentError, match=r"damaged.npz' are damaged: .*CRC"):
        load_weights(Slim(2), tmp_path / "damaged.npz")


def test_unknown_weights_are_refused_with_the_known_ones():
    """The error lists what ships."""
    with pytest.raises(
        InvalidArgumentError, match=r"slim-x2-cc0-photos.*received 'imagenet' for slim at scale 2"
    ):
        Slim(2, weights="imagenet")


def test_damaged_weights_are_noticed(tmp_path, monkeypatch):
    """One changed byte is caught by the checksum before anything is loaded."""
    for path in pretrained.WEIGHTS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged = bytearray((tmp_path / "slim-x2-cc0-photos.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "slim-x2-cc0-photos.npz").write_bytes(damaged)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    with pytest.raises(InvalidArgumentError, match="damaged"):
        Slim(2, weights="cc0-photos")


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("architecture", LUMA_NETWORKS)
def test_networks_take_the_file_of_a_training_run(tmp_path, architecture, as_text):
    """As the network's own argument, and through load_upscaler, which finds out whose they are."""
    trained = LUMA_NETWORKS[architecture](3)
    trained.get_layer("deconvolution" if architecture == "fsrcnn" else "upsample").bias.assign([0.25])
    path = tmp_path / "weights.npz"
    save_weights(trained, path)
    luma = np.full([1, 4, 5, 1], 0.5, np.float32)
    for model in (
        LUMA_NETWORKS[architecture](3, weights=str(path) if as_text else path),
        load_upscaler(3, weights=str(path) if as_text else path),
    ):
        np.testing.assert_array_equal(model(luma), trained(luma))
        assert model.name == trained.name


def test_weights_for_another_scale_fit_no_upscaler(tmp_path):
    """The error names the scale that was asked for."""
    save_weights(Slim(2), tmp_path / "weights.npz")
    with pytest.raises(
        InvalidArgumentError, match=r"fit no network for scale 3 \(fine, fsrcnn, slim\).*another scale"
    ):
        load_upscaler(3, weights=tmp_path / "weights.npz")
