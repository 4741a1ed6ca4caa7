"""Pictures of any size through a server, tile by tile: the pixels of the whole, in bounded requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

import tfdeconv as td
from tfdeconv.errors import FailedPreconditionError, InvalidArgumentError

RNG = np.random.default_rng(3)


class Served(NamedTuple):
    """A served model, and what it was made of."""

    model: keras.Model
    folder: Path
    server: td.serving.Server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An upscaler with strides inside, and the same as a model that says nothing of tiles."""
    image = keras.Input([None, None, 3], name="image")
    half = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="half")(image)
    up = keras.layers.Conv2DTranspose(3, 8, strides=4, padding="same", name="upscaled")(half)
    model = keras.Model(image, up)
    folder = tmp_path_factory.mktemp("models") / "upscaler"
    tiled = td.export_saved_model(model, folder, tile=32)
    config = folder.parent / "models.config"
    td.export_saved_model(model, folder.parent / "plain")
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{folder.parent / name}" model_platform: "tensorflow" }}\n'
        for name in ("upscaler", "plain")
    )
    config.write_text(f"model_config_list {{ {entries} }}")
    with td.serving.Server(model_config_file=config, grpc_port=0, rest_port=0) as server:
        yield Served(model, tiled, server)


def test_the_folder_says_how_pictures_are_cut(served: Served) -> None:
    """The file that the page and other clients read."""
    document = json.loads((served.folder / "assets.extra" / "tiles.json").read_text())
    assert document == {
        "halo": [3, 3],
        "stride": [2, 2],
        "tile": [32, 32],
        "scale": {"image": [1, 1], "upscaled": [2, 2]},
        "data_format": "channels_last",
    }


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_tiles_through_a_server_equal_the_whole(served: Served, protocol: str) -> None:
    """Odd sizes and a batch, over both protocols, as floats and as a picture."""
    url = served.server.grpc_url if protocol == "grpc" else served.server.rest_url
    pictures = RNG.random((2, 75, 40, 3), np.float32)
    expected = np.asarray(served.model(pictures))
    done: list[tuple[int, int | None]] = []
    with td.client.connect(url, model="upscaler") as client:
        found = client.predict_tiled(pictures, progress=lambda *count: done.append(count))
        np.testing.assert_allclose(found["upscaled"], expected, atol=1e-5)
        assert done[-1][0] == done[-1][1] > 4
        by_name = client.predict_tiled({"image": pictures}, tiles=served.folder, concurrency=1)
        np.testing.assert_array_equal(by_name["upscaled"], found["upscaled"])
        larger = client.upscale(pictures[0])
    np.testing.assert_allclose(larger, expected[0], atol=1e-5)


def test_an_awaiting_client_does_the_same(served: Served) -> None:
    """The tiles of one picture, several in flight, in an event loop."""
    picture = RNG.integers(0, 255, (50, 61, 3), np.uint8)

    async def enlarged() -> np.ndarray:
        async with td.client.connect_async(served.server.grpc_url) as client:
            return await client.upscale(picture)

    with td.client.connect(served.server.grpc_url, model="upscaler") as client:
        np.testing.assert_array_equal(asyncio.run(enlarged()), client.upscale(picture))


def test_a_model_that_says_nothing_of_tiles(served: Served) -> None:
    """It is told by name; the rule may come from a folder instead."""
    picture = RNG.random((1, 40, 40, 3), np.float32)
    with td.client.connect(served.server.grpc_url, model="plain") as client:
        assert client.tile_rule() is None
        with pytest.raises(FailedPreconditionError, match="'plain' does not say how it is cut"):
            client.predict_tiled(picture)
        with pytest.raises(InvalidArgumentError, match="cannot be read"):
            client.predict_tiled(picture, tiles=served.folder / "nothing")
        with pytest.raises(InvalidArgumentError, match="2 spatial axes"):
            client.predict_tiled(picture[0], tiles=served.folder)
        assert client.predict_tiled(picture, tiles=served.folder)["upscaled"].shape == (1, 80, 80, 3)


def test_pictures_through_a_server_know_the_stride(served: Served) -> None:
    """`tfdeconv upscale --server` cuts as the model says."""
    with td.client.connect(served.server.grpc_url, model="upscaler") as client:
        network = td.zoo.ServedNetwork(client)
    assert (network.scale, network.context, network.stride) == (2, 3, 2)


def test_a_tile_that_is_all_context_is_not_exported(tmp_path: Path) -> None:
    """The least size is named; so is a layer that has no exact tiles."""
    image = keras.Input([None, None, 3])
    model = keras.Model(image, keras.layers.Conv2D(3, 9, padding="same")(image))
    with pytest.raises(InvalidArgumentError, match="tile must be at least 9x9"):
        td.export_saved_model(model, tmp_path / "m", tile=8)
    mixing = keras.Model(image, keras.layers.GroupNormalization(1)(image))
    with pytest.raises(InvalidArgumentError, match="no exact tiles: layer group_norm"):
        td.export_saved_model(mixing, tmp_path / "m", tile=64)
    assert not (tmp_path / "m").exists()
