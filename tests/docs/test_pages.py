"""Every code block of the site runs, every picture is there, and every public name is in the reference."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import tfdeconv as td

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def load(path):
    """A Python file outside the package, as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


pages = load(HERE / "pages.py")
WITH_CODE = [page for page in PAGES if pages.blocks(page)]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(DOCS)))
def test_code_blocks_run(page, tmp_path, monkeypatch):
    """Blocks of one page run in order, in an empty folder, and print what the page shows."""
    if page.stem == "port-from-pytorch":
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    failures = pages.run_page(page)
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```pycon\n>>> 1 + 1\n3\n\n```\n", "Expected:\n    3\nGot:\n    2"),
        ("```python\n1 + 1\n```\n", "'python' is not one of"),
        ("```pycon\n1 + 1\n```\n", "no prompt"),
        ("```console\n$ tfdeconv explain --dims 1\nsomething else\n```\n", "expected:\nsomething else"),
        ("```console\n$ tfdeconv explain --padding maybe\n```\n", "must be same, valid"),
        ("```console\n$ rm -r /\n```\n", "'rm' is not tfdeconv"),
    ],
)
def test_wrong_blocks_are_found(tmp_path, text, problem):
    """The runner finds wrong output, unknown languages, missing prompts and foreign programs."""
    page = tmp_path / "page.md"
    page.write_text(text)
    (failure,) = pages.run_page(page)
    assert problem in failure


def test_every_picture_is_drawn_and_shown():
    """The pages show exactly the pictures that the build draws."""
    shown = {name for page in PAGES for name in re.findall(r"images/([\w.-]+)", page.read_text())}
    assert shown == set(load(DOCS / "pictures.py").PICTURES)


def test_pictures_have_content():
    """A drawn picture is an image that is not empty."""
    pictures = load(DOCS / "pictures.py").PICTURES
    assert pictures["seed.png"]().startswith(b"\x89PNG")
    assert len(pictures["matrix.png"]()) > 2000


def test_every_page_is_in_the_navigation():
    """mkdocs.yml names every page."""
    navigation = (ROOT / "mkdocs.yml").read_text()
    assert [page for page in PAGES if str(page.relative_to(DOCS)) not in navigation] == []


def test_nothing_is_fetched():
    """No page, hook or setting holds an address of another machine."""
    files = [*PAGES, *DOCS.glob("*.py"), ROOT / "mkdocs.yml"]
    assert [
        file.name for file in files if re.search(r"(https?|ftp)://(?!HOST|localhost)", file.read_text())
    ] == []


@pytest.mark.parametrize(
    ("package", "page"),
    [
        ("layers", "layers"),
        ("ops", "ops"),
        ("analysis", "analysis"),
        ("analysis.figures", "figures"),
        ("alignment", "alignment"),
        ("convert", "convert"),
        ("zoo", "zoo"),
        ("training", "training"),
        ("imaging", "imaging"),
        ("export", "export"),
        ("serving", "serving"),
        ("client", "client"),
        ("inference", "inference"),
    ],
)
def test_reference_holds_every_public_name(package, page):
    """Each name of a package's __all__ has its entry."""
    module = importlib.import_module(f"{td.__name__}.{package}")
    entries = re.findall(r"^::: [\w.]*?(\w+)$", (DOCS / "api" / f"{page}.md").read_text(), re.MULTILINE)
    assert set(module.__all__) - {"figures"} <= set(entries)


def test_reference_entries_are_found_without_importing():
    """The site reads the sources alone: each entry must be where a module defines or imports it by name."""
    griffe = pytest.importorskip("griffe")
    package = griffe.load("tfdeconv", search_paths=[ROOT], resolve_aliases=True)
    entries = [
        entry
        for page in sorted((DOCS / "api").glob("*.md"))
        for entry in re.findall(r"^::: tfdeconv\.([\w.]+)$", page.read_text(), re.MULTILINE)
    ]
    assert entries
    missing = []
    for entry in entries:
        try:
            package[entry]
        except KeyError:
            missing.append(entry)
    assert missing == []
