"""One rule for which folders are versions, whoever asks."""

from pathlib import Path

import pytest

from tfdeconv import version_folders
from tfdeconv.analysis.models import saved_graph
from tfdeconv.errors import ExportError
from tfdeconv.export import version_folder

NO_VERSIONS = ["3.tmp", ".4", "x", "-5", "+5", " 6", "٧", "²", "9" * 19, "9" * 20, "9" * 250, ""]


def folder(base: Path, name: str, file: str = "") -> None:
    (base / name).mkdir()
    if file:
        (base / name / file).touch()


def test_only_decimal_names_are_versions(tmp_path):
    """Half-written folders, notes and hidden files are ignored; 0007 is 7, unless 7 is there as well."""
    for name in ("1", "0007", "10", "7", *filter(None, NO_VERSIONS)):
        folder(tmp_path, name)
    found = version_folders.versions(tmp_path)
    assert {version: path.name for version, path in found.items()} == {1: "1", 7: "7", 10: "10"}
    assert version_folders.versions(tmp_path / "missing") is None
    (tmp_path / "file").touch()
    assert version_folders.versions(tmp_path / "file") is None


@pytest.mark.parametrize("name", NO_VERSIONS)
def test_what_is_no_version(name):
    """The largest version is the largest 64-bit integer, as in TensorFlow Serving."""
    assert version_folders.number(name) is None
    assert version_folders.number(str((1 << 63) - 1)) == (1 << 63) - 1


@pytest.mark.parametrize("file", ["saved_model.pb", "saved_model.pbtxt"])
def test_the_newest_saved_model(tmp_path, file):
    """By number, not by name; versions that hold none (yet) are passed over."""
    for name in ("9", "10", "²"):
        folder(tmp_path, name, file)
    for name in ("11", "12.tmp"):
        folder(tmp_path, name)
    assert version_folders.saved_model(tmp_path) == tmp_path / "10"
    assert saved_graph.version_folder(tmp_path) == tmp_path / "10"
    assert version_folders.saved_model(tmp_path / "9") == tmp_path / "9"
    assert version_folders.saved_model(tmp_path / "11") is None


def test_the_exporter_counts_what_a_server_counts(tmp_path):
    """A new version is newer than every one that a server finds; a name that is none is refused."""
    for name in ("9", "0010", ".writing-11-x"):
        folder(tmp_path, name)
    assert version_folder.versions(tmp_path) == sorted(version_folders.versions(tmp_path)) == [9, 10]
    folder(tmp_path, "9" * 20)
    with pytest.raises(ExportError, match="must hold version folders"):
        version_folder.versions(tmp_path)
