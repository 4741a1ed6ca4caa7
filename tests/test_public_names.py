"""What every public name of the package must have, found by walking it."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import keras
import pytest
from test_architecture import MODULES

import tfdeconv

OPERANDS = {"x", "kernel", "blobs", "shapes", "input_shape", "self"}
"""Parameters that may be given by position although they have a default: what a function works on."""

IN_THE_ORDER_OF_KERAS = (keras.layers.Layer, keras.optimizers.Optimizer)
"""Classes that take their arguments in the order of Keras's class of the same kind."""

GEOMETRY_BY_POSITION = {"dilation_rate"}
"""The fifth number of a transposed convolution, in a row with the first four."""

ARCHITECTURES = {"FCN": {"stride", "upsampling"}, "DCGANGenerator": {"image_size"}}
"""What a network's name ends in: FCN-8s, DCGAN-64."""

SHOWN_ELSEWHERE = {
    "AsyncClient",
    "Classification",
    "Client",
    "Dialect",
    "AsyncTransport",
    "CallContext",
    "Transport",
    "connect_async",
    "ServedNetwork",
    "TileNetwork",
    "Server",
}
"""Needs a running server or is a protocol: pages and tests of the client and the server show them."""

NEEDS_PHOTOGRAPHS = {"Trainer", "collect_patches", "load_recipe", "scored_pairs"}
"""Needs photographs: docs/howto/train.md shows them."""


def packages() -> Iterator[Any]:
    yield tfdeconv
    for info in pkgutil.walk_packages(tfdeconv.__path__, "tfdeconv."):
        if info.ispkg:
            yield importlib.import_module(info.name)


PACKAGES = {package.__name__: package for package in packages()}
USED_BY_PEOPLE = {name for name in PACKAGES if name.count(".") < 2} | {"tfdeconv.analysis.figures"}
"""Packages that people import from; deeper ones are rooms inside them."""

PUBLIC = [
    (package, name)
    for package, module in PACKAGES.items()
    if package in USED_BY_PEOPLE
    for name in getattr(module, "__all__", ())
    if inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name))
]


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_documented_with_an_example(package: str, name: str) -> None:
    """A line that says what it is; a doctest that runs, or for a record its attributes."""
    value = getattr(PACKAGES[package], name)
    assert value.__doc__, "its own, not an inherited one"
    if doctest.DocTestParser().get_examples(value.__doc__) or name in SHOWN_ELSEWHERE | NEEDS_PHOTOGRAPHS:
        return
    assert inspect.isclass(value)
    assert "Attributes:" in value.__doc__ or "Args:" in value.__doc__, f"{name} has no example"


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_options_are_keyword_only(package: str, name: str) -> None:
    """After what a function works on, arguments are given by name."""
    value = getattr(PACKAGES[package], name)
    if inspect.isclass(value) and (
        dataclasses.is_dataclass(value)
        or issubclass(value, tuple | BaseException)
        or issubclass(value, IN_THE_ORDER_OF_KERAS)
    ):
        return
    allowed = OPERANDS | ARCHITECTURES.get(name, set())
    if package == "tfdeconv.geometry" or name in ("phase_sums", "checkerboard_score"):
        allowed = allowed | GEOMETRY_BY_POSITION
    if name == "upscale":
        allowed = allowed | {"scale"}  # optional only because a size may stand for it
    parameters = inspect.signature(value.__init__ if inspect.isclass(value) else value).parameters.values()
    by_position = {
        parameter.name
        for parameter in parameters
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is not parameter.empty
    }
    assert by_position <= allowed


def test_every_module_says_what_it_is_for() -> None:
    """One line at the top of every file of the package."""
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text())), name


@pytest.mark.parametrize("package", [name for name, module in PACKAGES.items() if hasattr(module, "__all__")])
def test_all_is_complete(package: str) -> None:
    """__all__ names once everything that the package's __init__ binds; ruff keeps its order."""
    module = PACKAGES[package]
    assert len(set(module.__all__)) == len(module.__all__)
    submodules = {name for _, name, _ in pkgutil.iter_modules(module.__path__)}
    own = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in submodules
        if getattr(value, "__module__", "").startswith(package)
    }
    assert own <= set(module.__all__)


@pytest.mark.parametrize(
    "package", [name for name, module in PACKAGES.items() if not hasattr(module, "__all__")]
)
def test_a_room_without_all_binds_nothing(package: str) -> None:
    """Such a room is for finding modules, not names."""
    names = {
        name
        for name, value in vars(PACKAGES[package]).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert names <= {"annotations"} or package == "tfdeconv.cli"


def test_the_public_face_resolves() -> None:
    """Every name of tfdeconv.__all__ can be had lazily."""
    for name in tfdeconv.__all__:
        assert getattr(tfdeconv, name) is not None
