"""What the repository knows of each model: wanted versions, present versions, and why a start waits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tfdeconv.errors import ServingError
from tfdeconv.serving.repository import object_stores
from tfdeconv.serving.repository.base_paths import VersionPlace
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.servable import Servable
from tfdeconv.version_folders import Contents
from tfdeconv.wire import status_codes
from tfdeconv.wire.version_state import VersionState

_ENDED_SHOWN = 10


@dataclasses.dataclass(slots=True)
class VersionRecord:
    """A version that has been wanted at some time.

    Attributes:
        place: Where it lies.
        state: Where it is in its life.
        error: Why its last load failed, or None.
        failed_once: Whether a load of it has failed, perhaps to be tried again.
        given_up: Whether its load failed for good and it has been wanted ever since.
        servable: The loaded version while it is available or being unloaded.
        tried: What its folder held when a load of it failed.
        seen: What its folder held at the last look after it failed for good.
    """

    place: VersionPlace
    state: VersionState = VersionState.START
    error: Exception | None = None
    failed_once: bool = False
    given_up: bool = False
    servable: Servable | None = None
    tried: Contents = ()
    seen: Contents = ()


@dataclasses.dataclass(slots=True)
class ModelRecord:
    """A model that has been configured at some time.

    Attributes:
        config: Its configuration, or None once it has been removed.
        wanted: Version to where it lies, of what should be loaded.
        versions: Every version that has been wanted.
    """

    config: ModelConfig | None = None
    wanted: dict[int, VersionPlace] = dataclasses.field(default_factory=dict)
    versions: dict[int, VersionRecord] = dataclasses.field(default_factory=dict)

    def configure(self, config: ModelConfig) -> None:
        """Take a configuration; with another base path, what failed for good may load again."""
        if self.config is not None and self.config.base_path != config.base_path:
            for version in self.versions.values():
                version.given_up = False
        self.config = config

    def available(self) -> dict[int, Servable]:
        """Return the versions that serve."""
        return {
            number: version.servable
            for number, version in self.versions.items()
            if version.state is VersionState.AVAILABLE and version.servable is not None
        }

    def missing(self) -> list[int]:
        """Return the wanted versions whose load has to be started, newest first.

        A version that failed for good is not among them until it has been unwanted in between.
        """
        return [
            number
            for number in sorted(self.wanted, reverse=True)
            if number not in self.versions
            or (self.versions[number].state is VersionState.END and not self.versions[number].given_up)
        ]

    def surplus(self) -> list[int]:
        """Return the versions to unload: not wanted, and a wanted one serves (or none is wanted)."""
        available = self.available()
        replaced = not self.wanted or any(number in self.wanted for number in available)
        return [number for number in available if number not in self.wanted and replaced]

    def forget(self) -> None:
        """Drop all but the newest of the versions that have ended and are no longer wanted."""
        ended = sorted(
            (number for number, version in self.versions.items() if version.state is VersionState.END),
            reverse=True,
        )
        for number in [number for number in ended if number not in self.wanted][_ENDED_SHOWN:]:
            del self.versions[number]

    def given_up(self) -> list[VersionRecord]:
        """Return the wanted versions whose load failed for good."""
        return [self.versions[n] for n in self.wanted if n in self.versions and self.versions[n].given_up]

    def pending(self) -> bool:
        """Whether a start still has to wait: nothing found yet, or a load is going on.

        A load that has failed once is waited for only while no other version is available.
        """
        wanted = [self.versions[number] for number in self.wanted if number in self.versions]
        loading = [version for version in wanted if version.state < VersionState.AVAILABLE]
        if self.available():
            return any(not version.failed_once for version in loading)
        return not wanted or bool(loading)


def waiting_text(
    models: Mapping[str, ModelRecord], names: Iterable[str], store_reason: Callable[[ModelConfig], str]
) -> str:
    """Return for each model why it is not available yet."""
    reasons = []
    for name in names:
        config = models[name].config
        folder = config.base_path if config else "?"
        errors = [version.error for version in models[name].versions.values() if version.error is not None]
        if errors:
            reason = f"not loaded yet: {errors[-1]}"
        elif models[name].versions:
            reason = "still loading"
        elif config is not None and object_stores.is_url(folder):
            reason = store_reason(config) or "it has not answered yet"
        elif not Path(folder).is_dir():
            reason = "there is no such folder"
        else:
            reason = "no version folder such as '1' in it"
        reasons.append(f"{name!r} (base path {folder}: {reason})")
    return f"model {', '.join(reasons)}"


def check_available(models: Mapping[str, ModelRecord], names: Iterable[str], *, kind: str) -> None:
    """Fail if a model has no available version because its loads failed.

    Args:
        models: All models.
        names: Those that must be available.
        kind: What the error calls them: ``"servable"`` at the start, ``"model"`` later.

    Raises:
        ServingError: In TensorFlow Serving's words.
    """
    failed = [
        (name, number, version.error)
        for name in names
        if not models[name].available()
        for number, version in sorted(models[name].versions.items())
        if version.error is not None
    ]
    if failed:
        listing = "".join(
            f"{{name: {name} version: {number}}} due to error: {status_codes.with_code(error)}}}, "
            for name, number, error in failed
        )
        raise ServingError(f"{len(failed)} {kind}(s) did not become available: {{{listing}}}")


def error_for_clients(error: Exception, place: VersionPlace) -> Exception:
    """Return a failed load's error without where the models lie on this machine, which the log tells."""
    return status_codes.error_of(status_codes.code_of(error), place.hide(str(error)))
