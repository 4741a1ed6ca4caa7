"""`tfdeconv upscale` in a folder of its own, a photograph, and an object store."""

from typing import NamedTuple

import fsspec
import pytest
from cli.upscaling.pixels import PIXELS

from tfdeconv import cli
from tfdeconv.imaging import Photograph, write_photograph


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run ``tfdeconv upscale`` with arguments, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["tfdeconv", "upscale", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def store():
    """An object store in memory."""
    pytest.importorskip("upath", reason="needs the storage extra")
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def photo(tmp_path):
    """A small picture."""
    path = tmp_path / "photo.png"
    write_photograph(Photograph(PIXELS), path)
    return path
