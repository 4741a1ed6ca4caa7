"""The notebooks run from top to bottom, print what they show, and are pages of the site."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))

_spec = importlib.util.spec_from_file_location("notebook_pages", DOCS / "notebook_pages.py")
notebook_pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notebook_pages)


# Jupyter's client leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_it_shows(path, tmp_path):
    """Every cell runs in a new kernel; the printed numbers are those that are stored."""
    shown = nbformat.read(path, as_version=4)
    again = notebook_pages.run(path, tmp_path)
    for before, after in zip(shown.cells, again.cells, strict=True):
        assert notebook_pages.printed(after) == notebook_pages.printed(before), before.source


def test_there_are_two():
    """The tour's main line, and the way from training to an answer."""
    assert [path.stem for path in NOTEBOOKS] == ["tour", "train_export_serve_query"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page(path):
    """Cells become blocks with what they printed, pictures files; the site has them in its navigation."""
    notebook = nbformat.read(path, as_version=4)
    text, pictures = notebook_pages.page(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert text.count("```python\n") == len(cells)
    assert text.count("```text\n") == sum(bool(notebook_pages.printed(cell)) for cell in cells) > 3
    assert all(name in text and content.startswith(b"\x89PNG") for name, content in pictures.items())
    assert f"notebooks/{path.stem}.md" in (DOCS.parent / "mkdocs.yml").read_text()
    assert re.search(r"(https?|ftp)://", text) is None
