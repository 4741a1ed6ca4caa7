"""Keras model files that a command is given."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from tfdeconv.errors import FileError


def load_keras_file(path: Path, name: str) -> Any:
    """Load the Keras model in ``path``.

    Args:
        path: A .keras file.
        name: The argument of the command that named it, for messages.

    Raises:
        FileError: There is no such file, or it is none that Keras can load.

    Example:
        >>> load_keras_file(Path("nowhere.keras"), "--model")
        Traceback (most recent call last):
            ...
        tfdeconv.errors.FileError: --model must be a .keras file; there is no file 'nowhere.keras'.
    """
    import keras

    if not path.is_file():
        raise FileError(f"{name} must be a .keras file; there is no file {str(path)!r}.")
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):  # Keras says "File not found" of these
        raise FileError(
            f"{name} {str(path)!r} cannot be loaded: it is not a zip archive, as .keras files are, or only a "
            "part of one."
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises what it happens to meet in a broken file
        raise FileError(f"{name} {str(path)!r} cannot be loaded: {error}") from error
