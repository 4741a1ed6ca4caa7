"""Whatever a person types and whatever files hold: a line on standard error, never a traceback.

``pytest tests/cli/test_fuzz.py`` tries a few hundred command lines in one process. The long form tries as
many as are asked for: ``python tests/cli/test_fuzz.py 500 [SEED]``.
"""

import contextlib
import importlib
import io
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import keras
import numpy as np
import pytest
import tensorflow

from tfdeconv import cli
from tfdeconv.imaging import Photograph, write_photograph

IN_PROCESS = 120
COMMANDS = sorted(set(cli.COMMANDS) - {"serve", "web", "demo"})
"""Servers run until they are stopped (tests/serving, tests/web), and the demo takes half a minute."""

NUMBERS = ["-1", "0", "1", "2.5", "nan", "inf", "1e400", "9" * 40, "3x4", "0x0", "8x8x1", "16x16", "1,2,3"]
PICTURES = ["ok.png", "ok.jpg", "bad.png", "cut.jpg", "none.png", "new\nline.png", "folder/none/a.png"]
FILES = ["ok.keras", "cut.keras", "bad.keras", "ok.npy", "other.npz", "bad.npz", "bad.toml", "/dev/null"]
FOLDERS = ["folder", "empty", "loop", "out/", "..", "/", "a" * 300 + ".png"]
OUTPUTS = ["out.keras", "out.html", "out.gif", "out.png", "out.npy"]
URLS = ["grpc://127.0.0.1:1", "http://", "s3://", "nothing://x", "memory://x/a.png"]
WORDS = ["", "-", "--", "x", "same", "=", "a=b", "=ok.png", "%s", "é\u202e", "\x1b[31m", "CON"]
ODD = [*NUMBERS, *PICTURES, *FILES, *FOLDERS, *OUTPUTS, *URLS, *WORDS]


class Outcome(NamedTuple):
    """What a command line came to."""

    arguments: list[str]
    code: object
    out: str
    err: str


def make_files(folder: Path) -> None:
    """Good and bad files of every kind that commands take."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    for name in ("ok.png", "ok.jpg", "folder/a.png", "folder/b.tif", "new\nline.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_photograph(Photograph(pixels), folder / name)
    (folder / "cut.jpg").write_bytes((folder / "ok.jpg").read_bytes()[:300])
    for name in ("bad.png", "bad.keras", "bad.npz", "bad.npy", "bad.toml", "folder/bad.webp"):
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff nonsense")
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, keras.layers.Conv2DTranspose(2, 3, strides=2, name="up")(inputs))
    model.save(folder / "ok.keras")
    (folder / "cut.keras").write_bytes((folder / "ok.keras").read_bytes()[:-100])
    np.save(folder / "ok.npy", pixels)
    np.savez(folder / "other.npz", a=pixels)
    (folder / "empty").mkdir()
    (folder / "loop").symlink_to("loop")


def command_line(rng: random.Random) -> list[str]:
    """A subcommand, with options of its own and of others, and values that fit or do not."""
    name = rng.choice(COMMANDS)
    command = importlib.import_module(f"tfdeconv.cli.commands.{name}").command
    if isinstance(command, click.Group):
        return [name, rng.choice([*command.commands, *ODD]), *rng.choices(ODD, k=rng.randrange(3))]
    words = [name]
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    for argument in arguments:
        if rng.random() < 0.9:
            words += rng.choices(_values(argument, rng), k=1 if argument.nargs == 1 else rng.randrange(1, 4))
    options = [
        one for one in command.params if isinstance(one, click.Option) and one.name not in ("help", "serve")
    ]
    for option in options:
        if rng.random() < (0.8 if option.required else 0.25):
            words.append(rng.choice(option.opts))
            if not option.is_flag and rng.random() < 0.95:
                words.append(rng.choice(_values(option, rng)))
    if name == "optimize":
        words += ["--budget", "0"]
    if rng.random() < 0.1:
        words.insert(rng.randrange(1, len(words) + 1), rng.choice([*ODD, "--unknown", "-h"]))
    return words


def _values(parameter: click.Parameter, rng: random.Random) -> list[str]:
    """Values to choose from: half of the time such as fit."""
    kind = parameter.type
    if isinstance(kind, click.Choice) and rng.random() < 0.7:
        return list(kind.choices)
    if isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)) and rng.random() < 0.5:
        return ["1", "2", "3", "4", "64"]
    return ODD


def bounded(words: list[str]) -> bool:
    """Whether a command line ends within seconds: no training, no measuring, no waiting for a server."""
    text = " ".join(words)
    return words[0] != "train" or "folder" not in text


@contextlib.contextmanager
def threads_left_alone() -> Iterator[None]:
    """Let `train` set threads without effect: in a process of its own it is the first to start TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        for setter in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
            patch.setattr(tensorflow.config.threading, setter, lambda count: None)
        yield


def tried(words: list[str], folder: Path) -> Outcome:
    """Run a command line in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    argv, cwd, stdin = sys.argv, Path.cwd(), sys.stdin
    os.chdir(folder)
    sys.argv, sys.stdin = ["tfdeconv", *words], io.TextIOWrapper(io.BytesIO(b"no picture"))
    code: object = "returned"
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), threads_left_alone():
            cli.main()
    except SystemExit as end:
        code = end.code
    except BaseException as error:  # which none may be
        code = f"{type(error).__name__}: {error}"
    finally:
        sys.argv, sys.stdin = argv, stdin
        os.chdir(cwd)
    out.flush()
    return Outcome(words, code, out.buffer.getvalue().decode("utf-8", "replace"), err.getvalue())


def complaint(outcome: Outcome) -> str | None:
    """What is wrong with an outcome; None for nothing."""
    if outcome.code not in (0, 1, 2, None):
        return f"exit code {outcome.code!r}"
    if "Traceback" in outcome.err or "unforeseen error" in outcome.err:
        return "unforeseen"
    if outcome.code == 1 and not outcome.err and "UNAVAILABLE" not in outcome.out:
        return "failed without a word"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", outcome.err):
        return "control characters"
    lines = [line for line in outcome.err.splitlines() if line]
    if outcome.code == 1 and not any(line.startswith(("tfdeconv: error: ", "Error: ")) for line in lines):
        return "no line that says error"
    return None


def run(count: int, seed: int, folder: Path) -> list[tuple[str, Outcome]]:
    """Try random command lines; what is wrong with which."""
    rng = random.Random(seed)
    found = []
    make_files(folder)
    for _ in range(count):
        words = command_line(rng)
        if not bounded(words):
            continue
        outcome = tried(words, folder)
        wrong = complaint(outcome)
        if wrong is not None:
            found.append((wrong, outcome))
    return found


def test_no_command_line_ends_in_a_traceback(tmp_path, monkeypatch):
    """Every subcommand but serve and demo, with random arguments and files."""
    monkeypatch.delenv("TFDECONV_TRACEBACK", raising=False)
    found = run(IN_PROCESS, 2026, tmp_path)
    assert not found, "\n".join(f"{wrong}: {o.arguments}: {o.err[-500:]}" for wrong, o in found)


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        (3, "exit code 3"),
        ("ValueError: x", "exit code 'ValueError: x'"),
    ],
)
def test_the_judge_can_condemn(code, wrong):
    """A traceback, a silent failure, an unknown exit code and a control character are found."""
    assert complaint(Outcome([], code, "", "")) == wrong
    assert complaint(Outcome([], 1, "", "tfdeconv: unforeseen error: x")) == "unforeseen"
    assert complaint(Outcome([], 1, "", "")) == "failed without a word"
    assert complaint(Outcome([], 1, "", "tfdeconv: error: \x1b[31m")) == "control characters"
    assert complaint(Outcome([], 0, "", "")) is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["upscale", "loop", "new\nline.png", "cut.jpg", "-o", "out", "--width", "9"], 1),
        (["explain", "--input", "1e400", "--values", "nan"], 2),
        (["optimize", "cut.keras", "out.keras", "--input-shape", "8x8x1"], 1),
    ],
)
def test_real_processes_say_no_more_than_that(tmp_path, words, code):
    """Nor do the libraries below them, past Python."""
    make_files(tmp_path)
    command = [sys.executable, "-m", "tfdeconv.cli", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
    assert complaint(Outcome(words, done.returncode, done.stdout, done.stderr)) is None
    assert done.returncode == code
    allowed = ("tfdeconv: error: ", "tfdeconv: note: ", "1 of 3 files done")
    assert all(line.startswith(allowed) for line in done.stderr.splitlines()), done.stderr


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
        results = run(int(sys.argv[1]) if len(sys.argv) > 1 else 500, seed, Path(folder))
        for wrong, outcome in results:
            print(f"{wrong}: tfdeconv {outcome.arguments}\n    {outcome.code} {outcome.err[-400:]}")
        print(f"{len(results)} complaints")
        sys.exit(bool(results))
