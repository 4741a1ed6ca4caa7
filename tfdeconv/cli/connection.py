"""The options with which every command that queries a server connects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from tfdeconv.client import TLS, Client, connect
from tfdeconv.errors import InvalidArgumentError

_MODEL = (
    click.argument("urls", nargs=-1, required=True, metavar="URL..."),
    click.option("--model", required=True, metavar="NAME", help="Name of the served model."),
)
_CONNECTION = (
    click.option(
        "--timeout", default=300.0, show_default=True, metavar="SECONDS", help="Longest wait for an answer."
    ),
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Sent with the request, e.g. 'authorization: Bearer ...'. May be repeated.",
    ),
    click.option("--ca", metavar="FILE", help="PEM certificates to trust for grpcs:// and https://."),
)


def served_model(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the URLs of servers and the name of one of their models to a command."""
    return _with(_MODEL, command)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how to connect to a command."""
    return _with(_CONNECTION, command)


def _with(options: Sequence[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def open_client(
    urls: Sequence[str], *, model: str, timeout: float, headers: Sequence[str], ca: str | None
) -> Client:
    """Return a client of one server or several, for the values of the options above.

    Raises:
        InvalidArgumentError: A value is not of the form it must have.
    """
    pairs = [header.partition(":") for header in headers]
    for name, colon, _ in pairs:
        if not colon or not name.strip():
            raise InvalidArgumentError(f"--header must be 'name: value'; received {name!r}.")
    return connect(
        urls,
        model=model,
        timeout=timeout,
        headers={name.strip(): value.strip() for name, _, value in pairs},
        tls=None if ca is None else TLS(ca=ca),
    )
