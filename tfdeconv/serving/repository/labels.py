"""Version labels: names that the configuration gives to versions, such as ``stable`` and ``canary``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError
from tfdeconv.serving.repository.model_config import ModelConfig


class VersionLabels:
    """The labels of all models.

    Args:
        allow_unavailable: Whether a new label may name a version that is not loaded. Defaults to False.
    """

    def __init__(self, *, allow_unavailable: bool = False) -> None:
        self._allow_unavailable = allow_unavailable
        # Replaced as a whole, so that requests read it without a lock.
        self._table: Mapping[str, Mapping[str, int]] = {}

    def of(self, model: str) -> Mapping[str, int]:
        """Return a model's labels and the versions they name."""
        return self._table.get(model, {})

    def version(self, model: str, label: str) -> int:
        """Return the version that a label names.

        Raises:
            InvalidRequestError: The model has no such label.
        """
        version = self.of(model).get(label)
        if version is None:
            raise InvalidRequestError(f"Unrecognized servable version label: {label}")
        return version

    def replace(self, table: Mapping[str, Mapping[str, int]]) -> None:
        """Take over labels that have been checked elsewhere: model to label to version."""
        self._table = table

    def assign(self, configs: Iterable[ModelConfig], available: Mapping[str, Collection[int]]) -> None:
        """Replace the labels by those of a configuration.

        Args:
            configs: The configured models.
            available: Model to the versions that serve.

        Raises:
            FailedPreconditionError: A label names a version that does not serve; the label stays where it
                was, and all others are assigned.
        """
        table: dict[str, Mapping[str, int]] = {}
        refused = ""
        for config in configs:
            old, kept = self.of(config.name), {}
            for label, version in config.version_labels.items():
                new = self._allow_unavailable and label not in old
                if new or old.get(label) == version or version in available.get(config.name, ()):
                    kept[label] = version
                    continue
                refused = refused or (
                    f"Request to assign label to version {version} of model {config.name}, "
                    "which is not currently available for inference"
                )
                if label in old:
                    kept[label] = old[label]
            table[config.name] = kept
        self._table = table
        if refused:
            raise FailedPreconditionError(refused)
