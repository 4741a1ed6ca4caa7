"""Signals end every command cleanly, and a reader that leaves early ends the printing, not the work."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tfdeconv.imaging import Photograph, write_photograph

# A command of the real command line that writes a file and waits in the middle of it.
SLOW = """
import sys, time
from pathlib import Path
import click
from tfdeconv import cli
from tfdeconv.imaging.formats.atomic_file import draft_of

@click.command()
def command():
    with draft_of(Path("out.bin")) as draft:
        draft.write_bytes(b"half")
        print("begun", flush=True)
        try:
            time.sleep(60)
        except Exception:
            pass  # must not hold it up

cli._group.get_command = lambda context, name: command
sys.argv = ["tfdeconv", "demo"]
cli.main()
"""


def started(code, folder, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_nothing_half_written(tmp_path, name, code):
    """The draft goes, one line says why, and the exit code is 128 and the signal's number."""
    with started(SLOW, tmp_path) as process:
        assert process.stdout.readline() == "begun\n"
        assert [path.suffix for path in tmp_path.iterdir()] == [".bin"]  # the hidden draft
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (code, f"tfdeconv: stopped by {name}.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    """As under nohup."""
    with started(f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SLOW}", tmp_path) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        process.terminate()
        process.communicate(timeout=120)
    assert process.returncode == 143


def test_a_reader_that_leaves_early_ends_the_printing_alone(tmp_path):
    """What comes after is done, the exit code is 0, and nothing is said about the pipe."""
    code = SLOW.replace('print("begun", flush=True)', "").replace(
        "time.sleep(60)", "[click.echo('line ' * 2000) for _ in range(50)]"
    )
    with started(code, tmp_path) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, "")
    assert (tmp_path / "out.bin").read_bytes() == b"half"


def test_upscale_stopped_in_the_middle_leaves_whole_files_only(tmp_path):
    """The real command, ended while it works on the second photograph."""
    pixels = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    (tmp_path / "in").mkdir()
    for index in range(8):
        small = index == 0
        write_photograph(Photograph(pixels[:8, :8] if small else pixels), tmp_path / "in" / f"{index}.png")
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", "in", "-o", "out", "--scale", "4"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("out/0.png: ")
        time.sleep(0.5)
        process.terminate()
        _, err = process.communicate(timeout=200)
    assert (process.returncode, err) == (143, "tfdeconv: stopped by SIGTERM.\n")
    assert all(not path.name.startswith(".") for path in (tmp_path / "out").iterdir())


def test_an_animation_is_written_though_the_text_is_not_read(tmp_path):
    """``tfdeconv explain --animate a.gif | head -1``."""
    command = [sys.executable, "-m", "tfdeconv.cli", "explain", "--dims", "1", "--animate", "a.gif"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")
    assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF8")
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]
