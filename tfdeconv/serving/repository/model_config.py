"""The configuration of one model, and of a list of them, as ModelServerConfig has it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorflow_serving.config import model_server_config_pb2

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError
from tfdeconv.serving.repository.version_policy import All, Latest, Specific, VersionPolicy

PLATFORM = "tensorflow"


@dataclasses.dataclass(frozen=True, slots=True)
class ModelConfig:
    """What to serve under one name.

    Attributes:
        name: The model's name in requests.
        base_path: The folder that holds the version folders.
        policy: Which versions to serve. Defaults to the newest.
        version_labels: Label to version.
    """

    name: str
    base_path: str
    policy: VersionPolicy = dataclasses.field(default_factory=Latest)
    version_labels: Mapping[str, int] = dataclasses.field(default_factory=dict)


def from_message(message: model_server_config_pb2.ModelServerConfig) -> list[ModelConfig] | None:
    """Return the models of a ModelServerConfig, or None where the message has no list.

    Raises:
        InvalidRequestError: A name twice, a base path that is not absolute, another platform, or a
            policy without versions.
        FailedPreconditionError: A ``custom_model_config``.
    """
    kind = message.WhichOneof("config")
    if kind is None:
        return None
    if kind != "model_config_list":
        raise FailedPreconditionError(
            "Cannot transition to requested config. It is only legal to transition "
            "from one ModelConfigList to another."
        )
    configs = [_model(config) for config in message.model_config_list.config]
    _check_names(config.name for config in configs)
    return configs


def _check_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidRequestError(f"Illegal to list model {name} multiple times in config list")
        seen.add(name)


def _model(message: model_server_config_pb2.ModelConfig) -> ModelConfig:
    _check_platform(message)
    if message.HasField("logging_config"):
        # ServerRequestLogger::Update of the public builds, which have no request logger either.
        raise InvalidRequestError(
            "No request-logger-creator provided. "
            f"(Model {message.name} has a logging_config; remove it: --access_log_file logs requests here.)"
        )
    path = message.base_path
    if not Path(path).is_absolute() and "://" not in path:
        raise InvalidRequestError(
            f"Expected model {message.name} to have an absolute path or URI; got base_path()={path}"
        )
    return ModelConfig(message.name, path, _policy(message), dict(message.version_labels))


def _check_platform(message: model_server_config_pb2.ModelConfig) -> None:
    platform, kind = message.model_platform, message.model_type
    if kind and platform:
        raise InvalidRequestError(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            f"ModelServerConfig::model_platform, model name is {message.name}"
        )
    if kind == model_server_config_pb2.TENSORFLOW:
        platform = PLATFORM
    elif kind:
        raise InvalidRequestError(
            f"ModelServerConfig::model_type choice {kind} not supported. (Model {message.name}: set "
            f'model_platform: "{PLATFORM}" instead.)'
        )
    if not platform:
        raise InvalidRequestError(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {message.name}"
        )
    if platform != PLATFORM:
        raise InvalidRequestError(f"Model {message.name} requests unsupported platform {platform}")


def _policy(message: model_server_config_pb2.ModelConfig) -> VersionPolicy:
    policy = message.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return All()
    if choice == "specific":
        if not policy.specific.versions:
            raise InvalidRequestError(
                f"model {message.name}: model_version_policy.specific lists no versions; "
                "add `versions: N` for each version to serve."
            )
        return Specific(tuple(policy.specific.versions))
    return Latest(max(1, policy.latest.num_versions))
