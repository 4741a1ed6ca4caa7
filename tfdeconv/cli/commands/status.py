"""``tfdeconv status``: which versions of a served model there are, and in which state."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from tfdeconv.cli.connection import connection_options, open_client, served_model
from tfdeconv.cli.messages import one_line
from tfdeconv.client import VersionStatus
from tfdeconv.client.endpoint import parse
from tfdeconv.errors import ServingError


@click.command(
    epilog="""\b
Examples:
  tfdeconv status grpc://localhost:8500 --model upscaler
  tfdeconv status http://localhost:8501 --model upscaler --signatures
  tfdeconv status http://localhost:8501 --model upscaler --json
  tfdeconv status grpc://a:8500 grpc://b:8500 --model upscaler
  tfdeconv status grpc+dns://upscaler:8500 --model upscaler"""
)
@served_model
@click.option("--version", type=int, metavar="N", help="Show this version only.")
@click.option("--signatures", is_flag=True, help="Also list what the model takes and gives.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
@connection_options
def command(
    urls: Sequence[str],
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
    `tfdeconv serve`, or TensorFlow Serving. Of several, and of grpc+dns://NAME:8500, which is a server at
    each address of the name, each is shown.

    The exit code is 0 if a version is available, at each of the servers, else 1.
    """
    with open_client(urls, model=model, timeout=timeout, headers=headers, ca=ca) as client:
        found: dict[str, list[VersionStatus] | ServingError]
        several = len(urls) > 1 or parse(urls[0]).name is not None
        if several:
            found = client.status_by_endpoint(version=version)
        else:
            found = {urls[0]: client.status(version=version)}
        available = [_is_available(one) for one in found.values()]
        listed = client.metadata(version=version).signatures if signatures and any(available) else {}
    if as_json:
        document: dict[str, Any] = {"model": model}
        if several:
            document["endpoints"] = [{"url": url, **_document(one)} for url, one in found.items()]
        else:
            document |= _document(found[urls[0]])
        if signatures:
            document["signatures"] = {name: dataclasses.asdict(one) for name, one in listed.items()}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(_table(found, several=several))
        for name, signature in listed.items():
            click.echo(f"\n{name}")
            for heading, specs in (("takes", signature.inputs), ("gives", signature.outputs)):
                for key, spec in specs.items():
                    click.echo(f"  {heading}  {key}: {spec}{' (optional)' if spec.optional else ''}")
    sys.exit(0 if all(available) else 1)


def _is_available(found: list[VersionStatus] | ServingError) -> bool:
    return isinstance(found, list) and any(one.state == "AVAILABLE" for one in found)


def _document(found: list[VersionStatus] | ServingError) -> dict[str, Any]:
    if isinstance(found, list):
        return {"versions": [dataclasses.asdict(one) for one in found]}
    return {"versions": [], "error": str(found)}


def _table(found: Mapping[str, list[VersionStatus] | ServingError], *, several: bool) -> str:
    rows = []
    for url, versions in found.items():
        if isinstance(versions, list):
            rows += [(url, str(one.version), one.state, one.error) for one in versions]
        else:
            rows.append((url, "-", "-", one_line(versions)))
    rows.insert(0, ("SERVER", "VERSION", "STATE", "ERROR" if any(row[-1] for row in rows) else ""))
    lines = [row[0 if several else 1 :] for row in rows]
    widths = [max(9 * (cells[0] == "STATE"), *map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
