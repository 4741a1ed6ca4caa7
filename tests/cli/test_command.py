"""The ``tfdeconv`` command as a whole."""

import errno
import importlib
import re
import subprocess
import sys

import click
import pytest

from tfdeconv import cli
from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.serving.launch import flags


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=250, check=False
    )


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_help(name):
    """Each listed subcommand exists and explains itself."""
    command = importlib.import_module(f"tfdeconv.cli.commands.{name}").command
    assert isinstance(command, click.Command)
    assert command.help


@pytest.mark.parametrize("words", [*sorted(cli.COMMANDS), "serving init"])
def test_help_fits_and_its_examples_are_true(words):
    """80 columns suffice, values have names, and every flag of an example is one of the command's."""
    name, *inner = words.split()
    command = importlib.import_module(f"tfdeconv.cli.commands.{name}").command
    for subcommand in inner:
        command = command.commands[subcommand]
    with click.Context(command, info_name=f"tfdeconv {words}", terminal_width=80) as context:
        text = command.get_help(context)
        options = {flag for option in command.get_params(context) for flag in option.opts}
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "INTEGER RANGE" not in text
    assert "FLOAT RANGE" not in text
    if words == "serve":
        options = {f"--{flag.name}" for flag in flags.FLAGS}
    shown = text.replace("\\\n", " ")
    examples = re.findall(rf"^ +(?:.*\| )?tfdeconv {words}\b(.*)", shown, re.MULTILINE)
    assert examples or hasattr(command, "commands")
    for example in examples:
        assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", example)) <= options, example


def test_help_does_not_load_tensorflow():
    """The overview is quick: no subcommand is imported for it."""
    code = """
import sys
from tfdeconv import cli
sys.argv = ["tfdeconv", "--help"]
try:
    cli.main()
except SystemExit as end:
    assert end.code in (0, None)
print("tensorflow" in sys.modules, "numpy" in sys.modules)
"""
    result = run(code)
    assert result.stdout.endswith("False False\n")
    assert all(name in result.stdout for name in cli.COMMANDS)


def test_an_unknown_command_is_a_usage_error():
    """Click's own message and exit code 2, with the command that was meant."""
    result = run("import sys; from tfdeconv import cli; sys.argv = ['tfdeconv', 'upsacle']; cli.main()")
    assert result.returncode == 2
    assert "No such command 'upsacle'. Did you mean 'upscale'?" in result.stderr


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (
            InvalidArgumentError("strides must be at least 1; received 0."),
            2,
            "tfdeconv: error: strides must be at",
        ),
        (FileError("a.npz is damaged."), 1, "tfdeconv: error: a.npz is damaged."),
        (
            RuntimeError("boom\nat line 2"),
            1,
            "tfdeconv: unforeseen error: RuntimeError: boom at line 2. Set ",
        ),
        (IsADirectoryError(21, "Is a directory", "out"), 1, "tfdeconv: error: 'out': Is a directory."),
        (OSError(errno.EFBIG, "File too large"), 1, "tfdeconv: error: File too large."),
        (ValueError("\x1b[31mred"), 1, r"tfdeconv: unforeseen error: ValueError: \x1b[31mred. Set "),
    ],
)
def test_errors_are_one_line(monkeypatch, capsys, raised, code, line):
    """Foreseen or not, the user sees one line; the exit code is 2 for mistakes of the command line alone."""

    def fail(**kwargs):
        raise raised

    monkeypatch.setattr(cli, "_group", fail)
    monkeypatch.delenv("TFDECONV_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == code
    (printed,) = capsys.readouterr().err.splitlines()
    assert printed.startswith(line)


def test_tracebacks_can_be_asked_for(monkeypatch):
    """TFDECONV_TRACEBACK=1 lets the unforeseen error through."""

    def fail(**kwargs):
        raise RuntimeError("boom")

    monkeypatch.setattr(cli, "_group", fail)
    monkeypatch.setenv("TFDECONV_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="boom"):
        cli.main()
