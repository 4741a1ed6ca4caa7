"""What the server tells of itself besides TensorFlow Serving's API: which models and versions it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tfdeconv.serving.repository.servable import VersionStatus
from tfdeconv.wire.version_state import VersionState


class ModelSource(Protocol):
    """What knows the models: a repository, or what tells of those of several servers."""

    def names(self) -> list[str]:
        """Return the configured models in order of name."""

    def labels(self, name: str) -> Mapping[str, int]:
        """Return a model's labels and the versions they name."""

    def statuses(self, name: str) -> Sequence[VersionStatus]:
        """Return the states of a model's versions, newest first."""


def model_list(repository: ModelSource) -> list[dict[str, Any]]:
    """Return each configured model with its labels and the states of its versions, as JSON shows it."""
    return [
        {
            "name": name,
            "labels": dict(repository.labels(name)),
            "versions": [
                {
                    "version": status.version,
                    "state": status.state.name,
                    "error": status.note if status.error is None else str(status.error),
                }
                for status in repository.statuses(name)
            ],
        }
        for name in repository.names()
    ]


def missing_models(repository: ModelSource) -> list[str]:
    """Return the configured models of which no version can be used."""
    return [
        name
        for name in repository.names()
        if not any(status.state is VersionState.AVAILABLE for status in repository.statuses(name))
    ]
