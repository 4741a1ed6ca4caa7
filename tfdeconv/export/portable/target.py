"""The formats that models can be written in."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tfdeconv.export.portable.program import Arrays, Program, Runner


@dataclass(frozen=True)
class Target:
    """A format and its runtime.

    Attributes:
        suffix: How file names end.
        companion: How the name of a second file ends; None where there is one file.
        empty_batch: Whether tensors may have no sample.
        write: Writes a program: (program, path, precision, calibration samples).
        load: Loads a file: path -> (what runs it, its operations).
        check_packages: Raises MissingExtraError where a package for a precision is missing.
    """

    suffix: str
    companion: str | None
    empty_batch: bool
    write: Callable[[Program, Path, str, list[Arrays]], None]
    load: Callable[[Path], tuple[Runner, Counter[str]]]
    check_packages: Callable[[str], None]


_FORMATS = {
    "onnx": (".onnx", None, True),
    "litert": (".tflite", None, False),
    "openvino": (".xml", ".bin", True),
}
FORMATS = tuple(_FORMATS)
"""Names of the formats."""


def target(name: str) -> Target:
    """Return the format called ``name``; its package is imported now.

    Example:
        >>> target("litert").suffix
        '.tflite'
    """
    module = importlib.import_module(f"tfdeconv.export.portable.{name}.model")
    suffix, companion, empty_batch = _FORMATS[name]
    return Target(suffix, companion, empty_batch, module.write, module.load, module.check_packages)
