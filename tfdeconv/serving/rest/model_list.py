"""What the server tells of itself besides TensorFlow Serving's API: which models and versions it has."""

from __future__ import annotations

from typing import Any

from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.wire.version_state import VersionState


def model_list(repository: ModelRepository) -> list[dict[str, Any]]:
    """Return each configured model with its labels and the states of its versions, as JSON shows it."""
    return [
        {
            "name": name,
            "labels": dict(repository.labels(name)),
            "versions": [
                {
                    "version": status.version,
                    "state": status.state.name,
                    "error": "" if status.error is None else str(status.error),
                }
                for status in repository.statuses(name)
            ],
        }
        for name in repository.names()
    ]


def missing_models(repository: ModelRepository) -> list[str]:
    """Return the configured models of which no version can be used."""
    return [
        name
        for name in repository.names()
        if not any(status.state is VersionState.AVAILABLE for status in repository.statuses(name))
    ]
