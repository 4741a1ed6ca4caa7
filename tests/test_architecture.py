"""Directions of imports, the lazy public face, and what every public name must have."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import tfdeconv

ROOT = Path(tfdeconv.__file__).parent
EVERYWHERE = {"errors", "geometry", "extras", "version_folders", "__version__"}
"""What any part may use."""

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "extras": set(),
    "keras_registration": set(),
    "geometry": set(),
    "ops": set(),
    "alignment": set(),
    "initializers": {"keras_registration", "ops"},
    "constraints": {"keras_registration", "ops"},
    "layers": {"keras_registration", "alignment", "constraints", "initializers", "ops"},
    "analysis": {"constraints", "ops"},
    "imaging": set(),
    "client": {"imaging", "wire"},
    "serving": {"client", "imaging", "wire"},
    "version_folders": set(),
    "web": set(),
    "wire": set(),
}
"""Part -> what else it imports. Parts that are not listed stand on top and import what they need."""

ON_TOP = {"cli", "convert", "export", "inference", "training", "zoo"}


def part_of(module: str) -> str:
    """The part of the package that a dotted name belongs to; "" for the public face itself."""
    return module.split(".")[1] if "." in module else ""


def imported_parts(source: str) -> set[str]:
    """Parts of the package that a module imports anywhere, also inside functions and for types."""
    parts = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "tfdeconv":
            names = [f"tfdeconv.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module or ""]
        else:
            continue
        parts.update(part_of(name) for name in names if name.split(".")[0] == "tfdeconv")
    return parts


def violations(part: str, sources: Iterable[str], allowed: dict[str, set[str]]) -> set[str]:
    """Parts that ``part`` imports without being allowed to."""
    found = set().union(*map(imported_parts, sources))
    return found - allowed[part] - EVERYWHERE - {part}


def sources_of(part: str) -> list[str]:
    path = ROOT / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [file.read_text() for file in files]


PARTS = sorted(
    path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
)


@pytest.mark.parametrize("part", [part for part in PARTS if part in MAY_IMPORT])
def test_imports_run_one_way(part: str) -> None:
    """Geometry <- ops <- layers <- everything else; serving and client never see layers."""
    assert violations(part, sources_of(part), MAY_IMPORT) == set()


def test_every_part_has_its_place() -> None:
    """A new part must be placed in the picture above."""
    assert set(PARTS) - {"__init__"} <= set(MAY_IMPORT) | ON_TOP


def test_nothing_imports_the_command_line() -> None:
    """Commands are the outermost part."""
    for part in PARTS:
        if part != "cli":
            assert "cli" not in set().union(*map(imported_parts, sources_of(part)))


@pytest.mark.parametrize(
    "line",
    [
        "from tfdeconv import layers",
        "import tfdeconv.layers.crop_like",
        "from tfdeconv.layers import x",
        "import tfdeconv as td",
    ],
)
def test_the_import_check_can_fail(line: str) -> None:
    """Every spelling of an import is seen, wherever it stands."""
    assert violations("ops", [f"def f():\n    {line}\n"], MAY_IMPORT) in ({"layers"}, {""})


def imported_by(code: str) -> set[str]:
    """Top-level modules, and those of this package, that a fresh interpreter holds after ``code``."""
    code += "\nimport sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


HEAVY = {
    "grpc",
    "starlette",
    "uvicorn",
    "httpx",
    "matplotlib",
    "PIL",
    "skimage",
    "tensorflow_serving",
    "orjson",
}
"""Of extras: serving, client, figures, images."""


def test_the_bare_import_is_light() -> None:
    """``import tfdeconv`` imports neither TensorFlow nor what the extras bring."""
    assert not imported_by("import tfdeconv") & {*HEAVY, "tensorflow", "keras", "numpy"}


def test_the_core_needs_no_extra() -> None:
    """Layers, ops and alignment do not import serving, client, plotting or image libraries."""
    core = imported_by("import tfdeconv as td; td.layers.CropLike; td.ops.crop; td.alignment.trace")
    own = core - imported_by("import keras, tensorflow")  # Keras imports plotting and images itself
    assert {"tfdeconv.layers.crop_like", "tfdeconv.ops.crop"} <= own, "the check sees what is imported"
    assert not {name.split(".")[0] for name in own} & HEAVY
    assert not own & {"tfdeconv.client", "tfdeconv.serving", "tfdeconv.analysis", "tfdeconv.imaging"}


@pytest.mark.parametrize("module", ["tfdeconv.geometry", "tfdeconv.errors", "tfdeconv.client.rest"])
def test_parts_without_tensorflow(module: str) -> None:
    """Window arithmetic and the REST client work where TensorFlow is not installed."""
    assert not imported_by(f"import {module}") & {"tensorflow", "keras"}


def public_names() -> list[tuple[str, str]]:
    found = []
    for part in ("ops", "layers", "initializers", "constraints", "geometry"):
        module = importlib.import_module(f"tfdeconv.{part}")
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
        ]
        found += [(part, name) for name in names]
    return found


@pytest.mark.parametrize(("part", "name"), public_names())
def test_every_public_name_has_a_docstring_with_an_example(part: str, name: str) -> None:
    """A line that says what it is, and a doctest that runs."""
    value = getattr(importlib.import_module(f"tfdeconv.{part}"), name)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return  # a constant: documented beside its value
    documentation = inspect.getdoc(value)
    assert documentation
    assert value.__doc__, "its own, not an inherited one"
    assert doctest.DocTestParser().get_examples(documentation), f"{name} has no example"


def test_every_module_says_what_it_is_for() -> None:
    """One line at the top of every file of the package."""
    for file in ROOT.rglob("*.py"):
        assert ast.get_docstring(ast.parse(file.read_text())), file


@pytest.mark.parametrize("part", ["ops", "layers"])
def test_all_is_sorted_and_complete(part: str) -> None:
    """__all__ is sorted and holds every name that the package's __init__ binds."""
    module = importlib.import_module(f"tfdeconv.{part}")
    assert list(module.__all__) == sorted(module.__all__)
    submodules = {name for _, name, _ in pkgutil.iter_modules(module.__path__)}
    bound = {name for name in vars(module) if not name.startswith("_")}
    assert bound - submodules <= set(module.__all__)


def test_the_public_face_resolves() -> None:
    """Every name of tfdeconv.__all__ that belongs to the core can be had lazily."""
    for name in ("Window", "layers", "ops", "geometry", "initializers", "constraints", "alignment", "errors"):
        assert name in tfdeconv.__all__
        assert getattr(tfdeconv, name) is not None
