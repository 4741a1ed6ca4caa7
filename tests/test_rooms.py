"""Inside a package, the folders import one way too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tfdeconv

ROOT = Path(tfdeconv.__file__).parent
ORDER = {
    "serving": [
        ["model_spec", "addresses", "templates", "cancellation"],
        ["codec", "telemetry", "config"],
        ["launch", "models"],
        ["repository"],
        ["plane"],
        ["loading"],
        ["runtime", "answer_messages"],
        ["grpc", "rest"],
        ["server"],
    ],
    "client": [["endpoint", "failures", "values"], ["exchange"], ["clients", "grpc", "rest"], ["connect"]],
}
"""Package -> its rooms: each imports from the levels above its own alone."""


def imported_rooms(package: str, source: str) -> set[str]:
    """Rooms of a package that a module imports anywhere."""
    prefix = ["tfdeconv", package]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            module = str(node.module).split(".")
            names = [[*module, alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        found.update(name[2] for name in names if name[:2] == prefix and len(name) > 2)
    return found


def files_of(package: str, room: str) -> list[Path]:
    path = ROOT / package / room
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_one_way(package):
    """From top to bottom of the list."""
    above: set[str] = set()
    for level in ORDER[package]:
        for room in level:
            for file in files_of(package, room):
                assert imported_rooms(package, file.read_text()) <= above | {room}, file
        above.update(level)


@pytest.mark.parametrize("package", ORDER)
def test_every_room_has_its_place(package):
    """A new one is placed in the list."""
    rooms = {p.stem for p in (ROOT / package).iterdir() if p.suffix == ".py" or any(p.glob("*.py"))}
    assert rooms - {"__init__"} == set().union(*ORDER[package])


@pytest.mark.parametrize(
    "line",
    [
        "import tfdeconv.serving.server",
        "from tfdeconv.serving import server",
        "from tfdeconv.serving.server import Server as S",
    ],
)
def test_the_check_can_fail(line):
    """Every spelling of an import is seen, wherever it stands."""
    assert imported_rooms("serving", f"def f():\n    {line}\n") == {"server"}
