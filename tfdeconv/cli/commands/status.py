"""``tfdeconv status``: which versions of a served model there are, and in which state."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from tfdeconv.cli.connection import connection_options, open_client, served_model
from tfdeconv.client import VersionStatus


@click.command(
    epilog="""\b
Examples:
  tfdeconv status grpc://localhost:8500 --model upscaler
  tfdeconv status http://localhost:8501 --model upscaler --signatures
  tfdeconv status http://localhost:8501 --model upscaler --json"""
)
@served_model
@click.option("--version", type=int, metavar="N", help="Show this version only.")
@click.option("--signatures", is_flag=True, help="Also list what the model takes and gives.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
@connection_options
def command(
    url: str,
    model: str,
    version: int | None,
    timeout: float,
    headers: Sequence[str],
    ca: str | None,
    signatures: bool,
    as_json: bool,
) -> None:
    """Show which versions of a model the server at URL has, newest first.

    URL is grpc://HOST:8500 or http://HOST:8501 (grpcs:// and https:// for TLS): a server started with
    `tfdeconv serve`, or TensorFlow Serving.

    The exit code is 0 if a version is available, else 1.
    """
    with open_client(url, model=model, timeout=timeout, headers=headers, ca=ca) as client:
        versions = client.status(version=version)
        available = any(one.state == "AVAILABLE" for one in versions)
        listed = client.metadata(version=version).signatures if signatures and available else {}
    if as_json:
        document: dict[str, Any] = {"model": model, "versions": [dataclasses.asdict(one) for one in versions]}
        if signatures:
            document["signatures"] = {name: dataclasses.asdict(one) for name, one in listed.items()}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(_table(versions))
        for name, signature in listed.items():
            click.echo(f"\n{name}")
            for heading, specs in (("takes", signature.inputs), ("gives", signature.outputs)):
                for key, spec in specs.items():
                    click.echo(f"  {heading}  {key}: {spec}{' (optional)' if spec.optional else ''}")
    sys.exit(0 if available else 1)


def _table(versions: Sequence[VersionStatus]) -> str:
    errors = any(one.error for one in versions)
    rows = [("VERSION", "STATE", "ERROR" if errors else "")]
    rows += [(str(one.version), one.state, one.error) for one in versions]
    width = max(len(row[0]) for row in rows)
    return "\n".join(f"{number:<{width}}  {state:<9}  {error}".rstrip() for number, state, error in rows)
