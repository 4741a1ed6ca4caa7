"""Weights by name: the plain arrays of a model in an ``.npz`` file, and the files that ship with tfdeconv."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import keras
import numpy as np

from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.imaging.formats.atomic_file import draft_of

WEIGHTS = Path(__file__).parent / "weights"
"""The shipped files ``<architecture>-x<scale>-<data>.npz`` and their ``SHA256SUMS``."""


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the weights of ``model`` by ``layer/weight``; those of a model inside by its name as well.

    Example:
        >>> layer = keras.layers.Dense(1, name="head")
        >>> sorted(named_weights(keras.Sequential([keras.Input((2,)), layer])))
        ['head/bias', 'head/kernel']
    """
    named = {}
    for layer in model.layers:
        inside = (
            named_weights(layer)
            if isinstance(layer, keras.Model)
            else {weight.name: weight for weight in layer.weights}
        )
        named.update({f"{layer.name}/{name}": weight for name, weight in inside.items()})
    return named


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights of ``model`` to ``path`` (``.npz``), whole or not at all."""
    with draft_of(path, overwrite=True) as draft:
        np.savez(draft, **{name: weight.numpy() for name, weight in named_weights(model).items()})


def load_weights(model: keras.Model, path: Path) -> None:
    """Set the weights of ``model`` from ``path``.

    Raises:
        InvalidArgumentError: The file cannot be read, or its names or shapes are not the model's.
    """
    arrays = read_weights(path)
    targets = named_weights(model)
    for name, array in arrays.items():  # slopes of PReLU are [1, 1, channels] in files, whatever the layout
        if name.endswith("/alpha") and name in targets and array.shape == targets[name].shape[::-1]:
            arrays[name] = array.reshape(targets[name].shape)
    for name in sorted(set(targets) | set(arrays)):
        wanted = tuple(targets[name].shape) if name in targets else None
        found = arrays[name].shape if name in arrays else None
        if wanted != found:
            raise FileError(
                f"weights {path.name!r} do not fit the model {model.name!r}: {name!r} has shape {found} in "
                f"the file and {wanted} in the model."
            )
    for name, weight in targets.items():
        weight.assign(arrays[name])


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a weights file by ``layer/weight``.

    Raises:
        InvalidArgumentError: ``path`` is not a weights file, or a damaged one.
    """
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    return dict(arrays)
    except OSError as error:
        raise FileError(f"weights {str(path)!r} cannot be read: {error.strerror}.") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileError(f"weights {str(path)!r} are damaged: {error}.") from None
    raise FileError(
        f"weights {str(path)!r} must be an .npz file, as `tfdeconv train` writes it; this is none."
    )


def load_trained_weights(
    model: keras.Model, architecture: str, scale: int, weights: str | os.PathLike[str]
) -> None:
    """Set the weights of ``model`` from a training run's file, or from the one that ships.

    Args:
        model: A network built for ``scale``.
        architecture: First part of the name of the file that ships.
        scale: Upsampling factor.
        weights: A file, whose name ends in ``.npz`` unless it is a path object; or the name of the training
            data of shipped weights, such as ``"cc0-photos"``.

    Raises:
        InvalidArgumentError: The file does not fit, no such weights ship, or the file on disk is damaged.
    """
    if isinstance(weights, os.PathLike) or weights.endswith(".npz"):
        load_weights(model, Path(weights))
    else:
        _load_shipped_weights(model, architecture, scale, weights)


def shipped_files() -> dict[str, str]:
    """Return the SHA-256 of each weights file that comes with the package, by its name."""
    lines = (WEIGHTS / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {file: checksum for checksum, file in (line.split() for line in lines)}


def _load_shipped_weights(model: keras.Model, architecture: str, scale: int, weights: str) -> None:
    name = f"{architecture}-x{scale}-{weights}.npz"
    sums = shipped_files()
    if name not in sums:
        offered = sorted(entry.removesuffix(".npz") for entry in sums)
        raise InvalidArgumentError(
            f"weights must be None, an .npz file, or name one that ships ({', '.join(offered)}); "
            f"received {weights!r} for {architecture} at scale {scale}."
        )
    path = WEIGHTS / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
        raise FileError(f"weights {name!r} are damaged (wrong checksum): install tfdeconv again.")
    load_weights(model, path)
