"""Files and folders that may not be read or written: told, with exit code 1, and the others are done.

Where the tests run as root, which may do everything, the command runs as another user.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cli.upscaling.pixels import PIXELS

from tfdeconv.imaging import Photograph, write_photograph

NOBODY = 65534

# Loads what is only loaded when it is needed, as long as the interpreter's own folder may be read.
AS_ANOTHER = f"""
import os, sys
from tfdeconv import cli

def tried(*words):
    sys.argv = ["tfdeconv", "upscale", *words]
    try:
        cli.main()
    except SystemExit as end:
        return end.code
    return 0

assert tried("good/a.png", "-o", "warm/a.png", "--compare") == 0
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
for line in sys.stdin:
    print("=", flush=True)
    print(tried(*line.split()), flush=True)
"""

CASES = {
    "good/a.png -o closed/x.png": "closed/x.png cannot be written: no permission to write to closed.",
    "good -o closed": "--output closed: nothing can be written there: Permission denied.",
    "good -o closed/new/x": "--output closed/new/x: nothing can be written there: Permission denied.",
    "good/a.png -o closed/a.png --overwrite": "closed/a.png cannot be written: no permission to",
    "secret.png -o open/x.png": "secret.png cannot be read: Permission denied.",
    "hidden -o open": "the folder hidden cannot be looked into: Permission denied.",
    "mixed -o open/mixed": "the folder mixed/hidden cannot be looked into: Permission denied.",
    "good/a.png -o hidden/x.png": "hidden/x.png cannot be written: no permission to write to hidden.",
    "good/a.png -o open/x.png --model hidden/m.keras": "'hidden/m.keras': Permission denied.",
}
MODES = {"closed": 0o555, "secret.png": 0, "hidden": 0, "mixed/hidden": 0, "open": 0o777}


@pytest.fixture
def folder():
    """A folder that other users may enter, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for name in ("good", "closed", "hidden", "mixed", "mixed/hidden", "open", "warm"):
            (folder / name).mkdir()
        for name in ("good/a.png", "closed/a.png", "secret.png", "hidden/a.png", "mixed/a.png"):
            write_photograph(Photograph(PIXELS), folder / name)
        for name, mode in MODES.items():
            (folder / name).chmod(mode)
        yield folder
        for name in MODES:
            (folder / name).chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="users are those of POSIX")
def test_what_may_not_be_read_or_written_is_told(folder):
    """Once each; nothing is left half written, and what can be done is done."""
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER],
        cwd=folder,
        # Another user could not write what coverage has measured.
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        input="\n".join(CASES) + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
        check=True,
    )
    _, *told = done.stdout.split("=\n")
    for (words, message), text in zip(CASES.items(), told, strict=True):
        assert f"tfdeconv: error: {message}" in text, words
        assert text.count("error") == 1, words
        assert text.endswith("\n1\n"), words
    assert (folder / "open/mixed/a.png").exists()
    assert not [path for path in folder.rglob("*") if ".part" in path.name]
