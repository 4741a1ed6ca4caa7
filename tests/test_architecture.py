"""The module graph: directions of imports, no circles, small rooms, and what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tfdeconv

ROOT = Path(tfdeconv.__file__).parent
EVERYWHERE = {"errors", "extras"}
"""What any part may use."""

IMPORTS: dict[str, set[str]] = {
    "errors": set(),
    "extras": set(),
    "keras_registration": set(),
    "version_folders": set(),
    "web": set(),
    "geometry": set(),
    "ops": {"geometry"},
    "keras_reading": {"geometry"},
    "alignment": {"geometry", "keras_reading"},
    "initializers": {"geometry", "keras_registration"},
    "constraints": {"geometry", "keras_registration"},
    "layers": {"alignment", "geometry", "initializers", "keras_reading", "keras_registration", "ops"},
    "inference": {"geometry", "keras_reading", "keras_registration", "layers", "ops"},
    "export": {
        "geometry",
        "imaging",
        "inference",
        "keras_reading",
        "layers",
        "ops",
        "tiling",
        "version_folders",
        "wire",
        "zoo",
    },
    "convert": {"geometry", "keras_reading", "keras_registration", "layers", "ops", "zoo"},
    "analysis": {"constraints", "geometry", "keras_reading", "ops", "version_folders"},
    "imaging": set(),
    "tiling": {"alignment", "geometry", "keras_reading"},
    "zoo": {
        "alignment",
        "geometry",
        "imaging",
        "initializers",
        "keras_reading",
        "keras_registration",
        "layers",
        "ops",
        "tiling",
    },
    "training": {"imaging", "keras_registration", "zoo"},
    "wire": set(),
    "client": {"geometry", "wire"},
    "serving": {"version_folders", "web", "wire"},
    "cluster": {"serving", "wire"},
    "cli": {
        "analysis",
        "client",
        "cluster",
        "export",
        "geometry",
        "imaging",
        "inference",
        "serving",
        "tiling",
        "training",
        "version_folders",
        "web",
        "wire",
        "zoo",
    },
}
"""Part -> exactly the other parts that it imports; the layout of the package in one picture."""

NAMES_ON_A_LEVEL = 25
"""Names in one folder, beyond which a newcomer is lost; rooms are the remedy."""

LINES = 470
"""Lines of the longest file; about 300 is the aim."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    names = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = modules()
PATHS = set(MODULES.values())
LAZY = {
    "Optimized": "inference",
    "Window": "geometry",
    "PortableReport": "export",
    "export_portable": "export",
    "export_saved_model": "export",
    "optimize": "inference",
    "Tiled": "tiling",
    "tiled": "tiling",
}
"""Names of the public face, by the part that they come from."""


def imports(source: str, known: Mapping[str, object] = MODULES) -> set[str]:
    """Modules of the package that a source imports, anywhere in it, also as ``td.part``."""
    found = set()
    tree = ast.parse(source)
    faces = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "tfdeconv"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name != "tfdeconv"]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in faces:
            names = [f"tfdeconv.{LAZY.get(node.attr, node.attr)}"]
        else:
            continue
        for name in names:
            module = name if name in known else name.rpartition(".")[0]
            if module in known and module != "tfdeconv":
                found.add(module)
    return found


GRAPH = {name: imports(path.read_text()) - {name} for name, path in MODULES.items()}


def parts(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The graph of the parts of the package: the children of ``tfdeconv`` and what else they import."""
    found: dict[str, set[str]] = {}
    for name, targets in graph.items():
        if name != "tfdeconv":
            part = name.split(".")[1]
            found.setdefault(part, set()).update({target.split(".")[1] for target in targets} - {part})
    return found


def folders(graph: Mapping[str, set[str]]) -> Iterator[tuple[str, dict[str, set[str]]]]:
    """For every folder, the graph of what lies directly in it."""
    levels: dict[str, dict[str, set[str]]] = {}
    for name, targets in graph.items():
        for target in targets:
            a, b = name.split("."), target.split(".")
            shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
            if shared is not None:
                levels.setdefault(".".join(a[:shared]), {}).setdefault(a[shared], set()).add(b[shared])
    yield from sorted(levels.items())


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The nodes of one circle; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_imports_between_the_parts_are_the_picture() -> None:
    """No import that the picture lacks, no permission that nobody uses, no part without a place."""
    drawn = {part: sorted(allowed) for part, allowed in IMPORTS.items()}
    found = {part: sorted(targets - EVERYWHERE) for part, targets in parts(GRAPH).items()}
    wrong = {part: found.get(part) for part in drawn | found if drawn.get(part) != found.get(part)}
    assert wrong == {}, "what these parts import; IMPORTS says otherwise"


def test_no_circles() -> None:
    """Neither between modules nor between the things of one folder, whatever the level."""
    assert circle(GRAPH) == []
    for folder, graph in folders(GRAPH):
        assert circle(graph) == [], folder


def test_the_check_for_circles_can_fail() -> None:
    """Two rooms that import one another are a circle even where their modules are none."""
    graph = {"p.a.x": {"p.b.y"}, "p.b.z": {"p.a.w"}, "p.b.y": set(), "p.a.w": set()}
    assert circle(graph) == []
    assert set(circle(dict(folders(graph))["p"])) == {"a", "b"}


@pytest.mark.parametrize(
    "line",
    [
        "from tfdeconv import layers",
        "import tfdeconv.layers.crop_like",
        "from tfdeconv.layers import CropLike",
        "import tfdeconv as td; td.layers.CropLike",
        "import tfdeconv; tfdeconv.layers.CropLike",
    ],
)
def test_every_spelling_of_an_import_is_seen(line: str) -> None:
    """Wherever it stands."""
    found = imports(f"def f():\n    {line}\n")
    assert {name.split(".")[1] for name in found} == {"layers"}


def test_rooms_are_small() -> None:
    """A folder shows few names, a file one concept."""
    for folder in {path.parent for path in MODULES.values()}:
        names = {
            path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert len(names - {"__init__", "__main__"}) <= NAMES_ON_A_LEVEL, folder
    for path in MODULES.values():
        assert len(path.read_text().splitlines()) <= LINES, path


def test_modules_have_plain_names() -> None:
    """No module is private by an underscore: what a package offers is what its ``__init__`` names."""
    assert not [
        name for name in MODULES if any(part.startswith("_") for part in name.split(".")) and "__" not in name
    ]
    assert not [name for name in MODULES if name.endswith((".utils", ".helpers", ".common"))]


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
    "onnx",
    "ray",
}
"""Of extras: serving, client, figures, images, other formats, clusters."""


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
