"""Every code block of the site runs, every picture is there, and every public name is in the reference."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tfdeconv as td
from tfdeconv.cli import COMMANDS

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
    for needed in pages.missing(page):
        pytest.skip(f"{page.name} needs {needed}, which is not installed")
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
        ("```console\n$ rm -r /\n```\n", "'rm' is neither tfdeconv nor curl"),
    ],
)
def test_wrong_blocks_are_found(tmp_path, monkeypatch, text, problem):
    """The runner finds wrong output, unknown languages, missing prompts and foreign programs."""
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(text)
    (failure,) = pages.run_page(page)
    assert problem in failure


def test_titled_blocks_become_files(tmp_path, monkeypatch):
    """A block with a title is written to that file before the blocks that follow run."""
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text('```python title="titled.py"\ny = 3\n```\n```pycon\n>>> open\n<built-in ...>\n\n```\n')
    assert pages.run_page(page) == []
    assert (tmp_path / "titled.py").read_text() == "y = 3\n"


def test_every_picture_is_drawn_and_shown():
    """The pages show exactly the pictures that the build draws."""
    shown = {name for page in PAGES for name in re.findall(r"images/([\w.-]+)", page.read_text())}
    assert shown == set(load(DOCS / "pictures.py").PICTURES)


def test_pictures_have_content():
    """A drawn picture is an image that is not empty."""
    pictures = load(DOCS / "pictures.py").PICTURES
    assert pictures["seed.svg"]().count(b"<text") > 2 * 2 + 3 * 3 + 5 * 5
    assert len(pictures["matrix.svg"]()) > 2000


def test_every_page_is_in_the_navigation():
    """mkdocs.yml names every page."""
    navigation = (ROOT / "mkdocs.yml").read_text()
    assert [page for page in PAGES if str(page.relative_to(DOCS)) not in navigation] == []


def test_the_table_of_lowerings_is_whole():
    """The page on cost names every lowering, and how many there are."""
    page = (DOCS / "tour" / "cost.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(td.ops.LOWERINGS)
    assert len(td.ops.LOWERINGS) == 6
    assert "there are six *lowerings*" in page


def test_the_table_of_commands_is_whole():
    """The page on the command line names every command, in order, and the exit codes that there are."""
    page = (DOCS / "howto" / "command-line.md").read_text()
    named = re.findall(r"^\| `([\w ]+)` \|", page, re.MULTILINE)
    assert [name.split()[0] for name in named] == sorted(COMMANDS)
    assert re.findall(r"^\| (\d[\d, ]*) \|", page, re.MULTILINE) == ["0", "1", "2", "130, 143"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell):
    """The documented line prints a script, and what the script asks for lists the subcommands."""
    page = (DOCS / "howto" / "command-line.md").read_text()
    assert f"_TFDECONV_COMPLETE={shell}_source tfdeconv" in page

    def run(**environment):
        command = [sys.executable, "-m", "tfdeconv.cli"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
        ).stdout

    assert "tfdeconv" in run(_TFDECONV_COMPLETE=f"{shell}_source")
    words = {"COMP_WORDS": "tfdeconv ups", "COMP_CWORD": "ups" if shell == "fish" else "1"}
    assert "upscale" in run(_TFDECONV_COMPLETE=f"{shell}_complete", **words)


def test_nothing_is_fetched():
    """No page, hook, script or setting holds an address of another machine."""
    files = [*PAGES, *DOCS.glob("*.py"), *DOCS.glob("*/*.js"), *DOCS.glob("*/*.css"), ROOT / "mkdocs.yml"]
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


@pytest.fixture(scope="module")
def sources():
    """The package as the site reads it, from its sources alone."""
    griffe = pytest.importorskip("griffe")
    return griffe.load("tfdeconv", search_paths=[ROOT], resolve_aliases=True)


def test_reference_of_every_layer_shows_its_arguments_and_call(sources):
    """The site can show the arguments of a layer and of its call, those of a private base too."""
    for name in td.layers.__all__:
        layer = sources[f"layers.{name}"]
        assert len(layer.parameters) > 1, name
        call = layer.all_members["call"]
        assert call.docstring, name
    parameters = [
        parameter.name for parameter in sources["layers.Conv2DTranspose"].all_members["call"].parameters
    ]
    assert parameters == ["self", "inputs", "output_shape", "like"]


def test_the_built_reference_shows_them(tmp_path, monkeypatch):
    """The page of the layers, built: signatures, call, and no private base."""
    commands = pytest.importorskip("mkdocs.commands.build")
    from mkdocs.config import load_config

    pytest.importorskip("mkdocstrings_handlers.python")
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    source = tmp_path / "docs"
    for file in ("docstrings.py", "api/layers.md", "stylesheets/site.css", "javascripts/iframe-worker.js"):
        target = source / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DOCS / file, target)
    monkeypatch.chdir(ROOT)
    config = load_config(
        str(ROOT / "mkdocs.yml"),
        docs_dir=str(source),
        site_dir=str(tmp_path / "site"),
        hooks=[],
        nav=None,
        strict=False,
    )
    config.plugins.run_event("startup", command="build", dirty=False)
    commands.build(config)
    html = (tmp_path / "site" / "api" / "layers.html").read_text()
    text = re.sub(r"<[^>]+>", "", html)
    for name in td.layers.__all__:
        assert f'id="tfdeconv.layers.{name}.call"' in html
        assert re.search(rf"\b{name}\(\s*\w+", text), name
    assert "Bases:" not in text
    assert "like: Any = None" in text


def test_reference_entries_are_found_without_importing(sources):
    """The site reads the sources alone: each entry must be where a module defines or imports it by name."""
    entries = [
        entry
        for page in sorted((DOCS / "api").glob("*.md"))
        for entry in re.findall(r"^::: tfdeconv\.([\w.]+)$", page.read_text(), re.MULTILINE)
    ]
    assert entries
    missing = []
    for entry in entries:
        try:
            sources[entry]
        except KeyError:
            missing.append(entry)
    assert missing == []


WHOLE_MODULES = {"errors", "geometry", "imaging.storage", "imaging.transfer"}


def test_reference_entries_are_what_they_are_called(sources):
    """Where a module has the name of its function, the entry is the function: no module by mistake."""
    entries = {
        entry
        for page in (DOCS / "api").glob("*.md")
        for entry in re.findall(r"^::: tfdeconv\.([\w.]+)$", page.read_text(), re.MULTILINE)
    }
    assert {entry for entry in entries if sources[entry].is_module} == WHOLE_MODULES
    hidden = {name for name in td.geometry.__all__ if sources[f"geometry.{name}"].is_module}
    assert {f"geometry.{name}.{name}" for name in hidden} <= entries


def test_the_reference_shows_what_a_client_can_do():
    """The methods that the clients take from the session have their arguments and docstrings."""
    griffe = pytest.importorskip("griffe")
    extension = load(DOCS / "docstrings.py").PlainDocstrings()
    package = griffe.load(
        "tfdeconv", search_paths=[ROOT], resolve_aliases=True, extensions=griffe.Extensions(extension)
    )
    for client in (td.client.Client, td.client.AsyncClient):
        for name in vars(client):
            if not name.startswith("_"):
                method = package[f"client.{client.__name__}"].members[name]
                assert method.is_function, name
                assert method.docstring, name
    parameters = [parameter.name for parameter in package["client.Client.predict"].parameters]
    assert parameters[:2] == ["self", "inputs"]
