"""The options with which a command does very many files, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.storage import STREAM


class Engine(NamedTuple):
    """Who does the work.

    Attributes:
        name: ``"local"``, this process, or ``"ray"``.
        address: Of a Ray cluster; None: one of this machine.
        workers: Processes of Ray; None: one for each CPU.
    """

    name: str
    address: str | None
    workers: int | None


def engine_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--engine``, of these names, and what belongs to it; the first is the default."""
    options = (
        click.option(
            "--engine",
            type=click.Choice(names),
            default=names[0],
            show_default=True,
            help="Who does the work. ray: processes on this machine, or on the nodes of a Ray cluster.",
        ),
        click.option(
            "--address",
            metavar="HOST:PORT",
            help="With --engine ray, the cluster to which this machine belongs.  [default: RAY_ADDRESS, or "
            "this machine alone]",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="With --engine ray, processes, each with the model.  [default: one for each CPU]",
        ),
        click.option(
            "--resume",
            is_flag=True,
            help="Go on after a stop: keep what is done, and remove what a killed run left half written.",
        ),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def engine_of(name: str, address: str | None, workers: int | None) -> Engine:
    """Return the engine that the options name.

    Raises:
        InvalidArgumentError: They contradict one another.
    """
    if name != "ray":
        for option, value in (("--address", address), ("--workers", workers)):
            if value is not None:
                raise InvalidArgumentError(f"{option} is for --engine ray; received --engine {name}.")
    return Engine(name, address, workers)


def check_places(engine: Engine, places: Sequence[Any]) -> None:
    """Raise where another process cannot get at a place.

    Raises:
        InvalidArgumentError: A pipe, or a URL of this process's memory, with Ray.
    """
    if engine.name != "ray":
        return
    for found in places:
        if found is STREAM:
            raise InvalidArgumentError("- (a pipe) belongs to this process; with --engine ray, name files.")
        if getattr(found, "protocol", None) == "memory":
            raise InvalidArgumentError(
                f"{found} is in the memory of this process, which those of --engine ray do not see. "
                "Name files, or s3:// or gs://."
            )
