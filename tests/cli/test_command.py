"""The ``tfdeconv`` command as a whole."""

import errno
import importlib
import subprocess
import sys

import click
import pytest

from tfdeconv import cli
from tfdeconv.errors import FileError, InvalidArgumentError


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_help(name):
    """Each listed subcommand exists and explains itself."""
    command = importlib.import_module(f"tfdeconv.cli.commands.{name}").command
    assert isinstance(command, click.Command)
    assert command.help


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
