"""The configuration file of Ray Serve that says what a command line says."""

from __future__ import annotations

from typing import Any

import yaml  # type: ignore[import-untyped]

from tfdeconv.cluster.serving.application import NAME
from tfdeconv.serving.launch.flags import Parsed

_OF_THE_COMMAND = frozenset({"engine", "dry_run", "version", "address"})


def document(parsed: Parsed) -> dict[str, Any]:
    """Return the file's content: the application that ``tfdeconv serve --engine=ray`` runs."""
    given = sorted(parsed.given - _OF_THE_COMMAND)
    return {
        "proxy_location": "Disabled",
        "applications": [
            {
                "name": NAME,
                "route_prefix": None,
                "import_path": "tfdeconv.cluster.serving.application:application",
                "args": {name: parsed.values[name] for name in given},
            }
        ],
    }


def text(parsed: Parsed) -> str:
    """Return the file; ``serve deploy FILE`` and a KubeRay ``RayService`` take it."""
    return str(yaml.safe_dump(document(parsed), sort_keys=False))
