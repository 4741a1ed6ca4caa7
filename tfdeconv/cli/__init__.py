"""The ``tfdeconv`` command: one file per subcommand, each imported only when it runs."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys

import click

import tfdeconv
from tfdeconv.cli.interruption import Stopped, patient_output, stoppable
from tfdeconv.cli.messages import error_line, one_line, shown
from tfdeconv.errors import FileError, InvalidArgumentError, TfdeconvError

# name -> one line for the overview; the subcommand is `command` in tfdeconv/cli/commands/<name>.py.
COMMANDS = {
    "analyze": "Find checkerboards and other facts of the upsampling layers of a model.",
    "demo": "Build, export, serve and query the upsampling model on a photograph.",
    "evaluate": "Score an upscaler on a folder of images, beside bicubic interpolation.",
    "explain": "Explain a transposed convolution step by step, with pictures and animations.",
    "export": "Write a model for TensorFlow Serving, ONNX Runtime, LiteRT or OpenVINO.",
    "inspect": "List the signatures, operations and missing GPU kernels of a SavedModel.",
    "optimize": "Rewrite a Keras model so that it runs faster, with the same outputs.",
    "predict": "Send files through a served model, or folders through a SavedModel.",
    "serve": "Serve SavedModels over TensorFlow Serving's gRPC and REST protocols.",
    "serving": "Write the files that run TensorFlow Serving, or `tfdeconv serve`, in production.",
    "status": "Show which versions of a served model are available.",
    "train": "Train a small luma upscaler from a folder of photographs.",
    "upscale": "Enlarge photographs, or folders of them, with a trained network.",
    "web": "Show a page in the browser that sends pictures to a model server.",
}


# The disk is full, a quota or the limit of a file's size is reached.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


class _LazyGroup(click.Group):
    """Lists subcommands without importing them: `tfdeconv --help` must not load TensorFlow.

    Attributes:
        running: The subcommand that was chosen; None before.
    """

    running: click.Command | None = None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"tfdeconv.cli.commands.{cmd_name}").command
        self.running = command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(
    cls=_LazyGroup,
    commands={name: click.Command(name) for name in COMMANDS},  # names alone, for "Did you mean"
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(tfdeconv.__version__, prog_name="tfdeconv")
def _group() -> None:
    """Transposed convolution and upsampling: from the Keras layer to the served model."""


def main() -> None:
    """Run the command line; errors become one line on standard error.

    The exit code is 0 if all was done. It is 2 if an argument is wrong: unknown, missing, out of its range,
    in contradiction to another, or not what the model takes or gives. It is 1 if something else is: a file
    that is missing, damaged or in the way, a server, a disk. It is 128 and the signal's number if a signal
    ended it: 130 for Ctrl-C, 143 for SIGTERM.

    With ``TFDECONV_TRACEBACK`` set in the environment, errors that tfdeconv did not foresee keep their
    traceback.
    """
    try:
        with stoppable(), patient_output():
            sys.exit(_run())
    except Stopped as stopped:
        click.echo(f"tfdeconv: stopped by {signal.Signals(stopped.number).name}.", err=True)
        sys.exit(stopped.exit_code)


def _run() -> int:
    try:
        result = _group(prog_name="tfdeconv", standalone_mode=False)
    except click.exceptions.Abort:
        raise Stopped(signal.SIGINT) from None
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TfdeconvError as error:
        click.echo(error_line(error, _running()), err=True)
        return exit_code_of(error)
    except Exception as error:
        if os.environ.get("TFDECONV_TRACEBACK"):
            raise
        if isinstance(error, OSError) and (error.filename is not None or error.errno in _NO_ROOM):
            where = "" if error.filename is None else f"{shown(error.filename)!r}: "
            click.echo(f"tfdeconv: error: {where}{error.strerror}.", err=True)
            return 1
        summary = one_line(f"{type(error).__name__}: {error}")[:500].rstrip(".")
        hint = "Set TFDECONV_TRACEBACK=1 to see where it came from."
        click.echo(f"tfdeconv: unforeseen error: {summary}. {hint}", err=True)
        return 1
    return result if isinstance(result, int) else 0


def exit_code_of(error: TfdeconvError) -> int:
    """Return 2 for a wrong argument, 1 for what is wrong with files, servers and the like.

    Example:
        >>> from tfdeconv.errors import InvalidArgumentError
        >>> exit_code_of(InvalidArgumentError("--scale must ..."))
        2
    """
    return 2 if isinstance(error, InvalidArgumentError) and not isinstance(error, FileError) else 1


def _running() -> click.Command | None:
    return getattr(_group, "running", None)
