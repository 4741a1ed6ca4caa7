"""Reading photographs needs no TensorFlow, and importing the package no image library."""

import subprocess
import sys

import pytest

from tfdeconv.errors import MissingExtraError
from tfdeconv.imaging import read_photograph


def test_importing_costs_little():
    """Neither TensorFlow nor the image libraries are loaded before a file is."""
    code = (
        "import sys, tfdeconv.imaging.comparison; "
        "print([name for name in ('tensorflow', 'PIL', 'tifffile', 'imagecodecs') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=250, check=True
    )
    assert result.stdout == "[]\n"


def test_a_missing_library_is_told_with_the_command_that_brings_it(tmp_path, monkeypatch):
    """Not reported as a broken file."""
    monkeypatch.setitem(sys.modules, "tifffile", None)
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\x00 and so on")
    with pytest.raises(MissingExtraError, match=r"pip install 'tfdeconv\[image\]'"):
        read_photograph(path)
