"""The wheel holds the package, whole and alone, and works away from the source tree."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    """models/ and serving/ at the top level are not import packages; data files ship with the code."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "tfdeconv"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(tracked) <= names
    assert {name.split("/")[0] for name in names} == {"tfdeconv"}
    assert {"tfdeconv/py.typed", "tfdeconv/cli/demo_photo.jpg"} <= names


def test_the_installed_wheel_works_away_from_the_source(installed, tmp_path):
    """The version and the command are there, and the files come from the wheel."""
    code = """
import sys, tfdeconv
from tfdeconv import cli
assert tfdeconv.__file__.startswith(sys.argv[1]), tfdeconv.__file__
sys.argv = ["tfdeconv", "demo", "--output", "out"]
cli.main()
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(installed)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "comparison.png").is_file()
