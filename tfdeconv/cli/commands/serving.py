"""``tfdeconv serving``: the operator's files."""

from __future__ import annotations

from pathlib import Path

import click

from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.serving import templates


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Write the files that run TensorFlow Serving, or `tfdeconv serve`, in production."""


@command.command(
    short_help="Write the files into a folder.",
    epilog="""\b
Example:
  tfdeconv serving init deployment/""",
)
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--overwrite", is_flag=True, help="Replace files that are there and differ.")
def init(folder: Path, *, overwrite: bool) -> None:
    """Write models.config, batching.config, compose.yaml and the rest into DIR.

    DIR/README.md, the operator's guide, explains them.
    """
    for path in templates.write(folder, overwrite=overwrite):
        click.echo(shown(path))
