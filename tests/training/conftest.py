"""Folders of images: drawn ones, and the test sets where they lie beside the project."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def data_folder():
    """The folder with set5/ and t91/; TFDECONV_DATA names it where it is not ../shared/data."""
    default = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TFDECONV_DATA", default))
    if not (folder / "set5").is_dir():
        pytest.skip(f"{folder} holds no set5; TFDECONV_DATA may name a folder that does")
    return folder


def drawing(seed, height=256, width=320):
    """Discs, bars and text-like strokes with hard edges: something that bicubic blurs visibly."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), rng.integers(60, 200, 3), np.float64)
    for _ in range(60):
        colour = rng.integers(0, 256, 3)
        cx, cy, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, np.pi)
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        if rng.random() < 0.5:
            inside = along**2 + across**2 < rng.uniform(3, 25) ** 2
        else:
            inside = (abs(along) < rng.uniform(10, 80)) & (abs(across) < rng.uniform(1, 6))
        image[inside] = colour
    return image.astype(np.uint8)


@pytest.fixture(scope="session")
def drawings(tmp_path_factory):
    """A folder of three drawings as PNG."""
    folder = tmp_path_factory.mktemp("drawings")
    for seed in range(3):
        Image.fromarray(drawing(seed)).save(folder / f"drawing_{seed}.png")
    return folder


@pytest.fixture(scope="session")
def unseen_drawing(tmp_path_factory):
    """A folder of one drawing that is not among the three."""
    folder = tmp_path_factory.mktemp("unseen")
    Image.fromarray(drawing(10)).save(folder / "unseen.png")
    return folder
