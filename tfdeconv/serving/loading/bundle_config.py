"""How versions are loaded: from a server's options, or from the platform configuration that replaces them.

The C++ server makes a SessionBundleConfig of its flags, or reads one from ``platform_config_file`` and then
looks at none of those flags. What such a file leaves out has the message's default, not the flag's: no
warm-up, no batching, one interpreter.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Self

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2

from tfdeconv.errors import InvalidRequestError, UnimplementedError
from tfdeconv.serving.config import operator_protos, platform_protos
from tfdeconv.serving.config.batching_parameters import BatchingParameters
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.repository.model_config import PLATFORM


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BundleConfig:
    """How every version is loaded.

    Attributes:
        tags: Tags of the graph.
        session_config: Threads, GPU memory and XLA of its session.
        batching: How requests are put together, or None to run each alone.
        per_model_batching: Whether a model's own parameters override ``batching``.
        warmup_iterations: How often each warm-up request runs, or None for no warm-up.
        prefer_tflite: Whether ``model.tflite`` is served where it lies beside the SavedModel.
        tflite_pools: Interpreters of a TensorFlow Lite model; 0 for one for each CPU.
        tflite_interpreters_per_pool: Above 1, requests to it run in batches of about 500 rows divided by
            this number.
    """

    tags: tuple[str, ...]
    session_config: config_pb2.ConfigProto
    batching: BatchingParameters | None
    per_model_batching: bool
    warmup_iterations: int | None
    prefer_tflite: bool
    tflite_pools: int
    tflite_interpreters_per_pool: int

    @classmethod
    def of(cls, options: ServerOptions) -> Self:
        """Return what a server's options ask for.

        Raises:
            InvalidRequestError: A file of the options cannot be read, or contradicts itself.
            UnimplementedError: The platform configuration asks for a remote session.
        """
        config = config_pb2.ConfigProto()
        try:
            text_format.Parse(options.session_config, config)
        except text_format.ParseError as error:
            raise InvalidRequestError(f"session_config is not a ConfigProto: {error}") from None
        if os.fspath(options.platform_config_file):
            return cls._from_message(_read_platform(options.platform_config_file), config)
        iterations = max(1, options.num_request_iterations_for_warmup)
        return cls(
            tags=tuple(tag for tag in options.saved_model_tags.split(",") if tag),
            session_config=config,
            batching=_batching(options),
            per_model_batching=options.enable_per_model_batching_parameters,
            warmup_iterations=iterations if options.enable_model_warmup else None,
            prefer_tflite=options.prefer_tflite_model,
            tflite_pools=max(0, options.num_tflite_pools),
            tflite_interpreters_per_pool=options.num_tflite_interpreters_per_pool,
        )

    @classmethod
    def _from_message(cls, message: Any, changes: config_pb2.ConfigProto) -> Self:
        if message.session_target:
            raise UnimplementedError(
                f"session_target {message.session_target!r} is not supported by the embedded server: "
                "sessions run in this process; leave it out."
            )
        config = config_pb2.ConfigProto.FromString(message.session_config.SerializeToString())
        config.MergeFrom(changes)
        batched = (
            message.HasField("batching_parameters") and not message.wrap_session_with_no_threading_params
        )
        warmup = message.model_warmup_options
        iterations = warmup.num_request_iterations.value if warmup.HasField("num_request_iterations") else 1
        return cls(
            tags=tuple(message.saved_model_tags) or ("serve",),
            session_config=config,
            batching=BatchingParameters.from_message(message.batching_parameters) if batched else None,
            per_model_batching=message.enable_per_model_batching_params,
            warmup_iterations=iterations if message.enable_model_warmup else None,
            prefer_tflite=message.prefer_tflite_model,
            tflite_pools=max(1, message.num_tflite_pools or message.num_tflite_interpreters),
            tflite_interpreters_per_pool=message.num_tflite_interpreters_per_pool,
        )


def _batching(options: ServerOptions) -> BatchingParameters | None:
    if not options.enable_batching:
        return None
    if not options.batching_parameters_file:
        return BatchingParameters(thread_pool_name="model_server_batch_threads")
    return BatchingParameters.read(options.batching_parameters_file)


def _read_platform(path: str | os.PathLike[str]) -> Any:
    """Return the SessionBundleConfig of the platform ``tensorflow``."""
    platforms = operator_protos.read(
        platform_protos.PlatformConfigMap,
        path,
        option="platform_config_file",
        pool=platform_protos.POOL,
    ).platform_configs
    place = f"platform_configs of '{os.fspath(path)}'"
    if PLATFORM not in platforms:
        raise InvalidRequestError(
            f'{place} must have the key "{PLATFORM}"; received {sorted(platforms) or "none"}.'
        )
    adapter = platforms[PLATFORM].source_adapter_config
    kind = platform_protos.SavedModelBundleSourceAdapterConfig
    if adapter.TypeName() != kind.DESCRIPTOR.full_name:
        raise InvalidRequestError(
            f"source_adapter_config in {place} must be a {kind.DESCRIPTOR.full_name}; "
            f"received {adapter.TypeName() or 'none'}."
        )
    try:
        return kind.FromString(adapter.value).legacy_config
    except DecodeError:
        raise InvalidRequestError(
            f"The value of source_adapter_config in {place} is not a {kind.DESCRIPTOR.full_name}."
        ) from None
