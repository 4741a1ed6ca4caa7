"""The ``tfdeconv`` command: one file per subcommand, each imported only when it runs."""

from __future__ import annotations

import importlib
import os
import sys

import click

import tfdeconv
from tfdeconv.errors import TfdeconvError

# name -> one line for the overview; the subcommand is `command` in tfdeconv/cli/<name>.py.
COMMANDS = {
    "analyze": "Find checkerboards and other facts of the upsampling layers of a model.",
    "demo": "Build, export, serve and query the upsampling model on a photograph.",
    "evaluate": "Score an upscaler on a folder of images, beside bicubic interpolation.",
    "explain": "Explain a transposed convolution step by step, with pictures and animations.",
    "export": "Write an upsampling model as a SavedModel version folder.",
    "inspect": "List the signatures, operations and missing GPU kernels of a SavedModel.",
    "optimize": "Rewrite a Keras model so that it runs faster, with the same outputs.",
    "predict": "Query a served model with arrays or images.",
    "serve": "Serve SavedModels over TensorFlow Serving's gRPC and REST protocols.",
    "serving": "Write the files that run TensorFlow Serving in production.",
    "status": "Show which versions of a served model are available.",
    "train": "Train a small luma upscaler from a folder of photographs.",
    "upscale": "Enlarge photographs, or folders of them, with a trained network.",
    "web": "Show a page in the browser that sends pictures to a model server.",
}


class _LazyGroup(click.Group):
    """Lists subcommands without importing them: `tfdeconv --help` must not load TensorFlow."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"tfdeconv.cli.{cmd_name}").command
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
    """Run the command line; errors become one line on standard error and exit code 1.

    With ``TFDECONV_TRACEBACK`` set in the environment, errors that tfdeconv did not foresee keep their
    traceback.
    """
    try:
        _group(prog_name="tfdeconv")
    except TfdeconvError as error:
        click.echo(f"tfdeconv: error: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("TFDECONV_TRACEBACK"):
            raise
        if isinstance(error, OSError) and error.filename is not None:  # a place that cannot be used
            click.echo(f"tfdeconv: error: {str(error.filename)!r}: {error.strerror}.", err=True)
            sys.exit(1)
        summary = " ".join(f"{type(error).__name__}: {error}".split())[:500].rstrip(".")
        hint = "Set TFDECONV_TRACEBACK=1 to see where it came from."
        click.echo(f"tfdeconv: unforeseen error: {summary}. {hint}", err=True)
        sys.exit(1)
