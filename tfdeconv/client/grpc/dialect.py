"""TensorFlow Serving's gRPC messages, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from tfdeconv.client.exchange.flow import Call, T
from tfdeconv.client.grpc import tensor_messages
from tfdeconv.client.values.examples import Feature
from tfdeconv.client.values.results import (
    Classification,
    Metadata,
    ModelRef,
    Signature,
    TensorSpec,
    VersionStatus,
)
from tfdeconv.errors import InternalError, InvalidArgumentError, InvalidRequestError
from tfdeconv.wire import services, status_codes
from tfdeconv.wire.dtypes import name_of
from tfdeconv.wire.messages import messages
from tfdeconv.wire.version_state import VersionState

# Protocol buffers count the bytes of a message in 31 bits.
_LARGEST_MESSAGE = 2**31

_STATES = {state.value: state.name for state in VersionState}


class GrpcDialect:
    """Requests and answers as protocol-buffer messages."""

    def predict(
        self,
        ref: ModelRef,
        name: str,
        signature: Signature,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
    ) -> Call[dict[str, NDArray[Any]]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        size = sum(array.nbytes for array in inputs.values())
        if size >= _LARGEST_MESSAGE:
            raise InvalidRequestError(
                f"The inputs hold {size:,} bytes; a gRPC message takes less than {_LARGEST_MESSAGE:,}. "
                "Send them in smaller batches, e.g. with predict_many()."
            )
        request = messages.PredictRequest(
            model_spec=_model_spec(ref, name),
            inputs={
                key: tensor_messages.encode(array, signature.inputs[key].dtype)
                for key, array in inputs.items()
            },
            output_filter=[] if set(outputs) == set(signature.outputs) else outputs,
        )

        def read(response: Any) -> dict[str, NDArray[Any]]:
            return {key: tensor_messages.decode(response.outputs[key]) for key in sorted(response.outputs)}

        return _call("Predict", request, messages.PredictResponse, read)

    def classify(
        self, ref: ModelRef, name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
    ) -> Call[list[list[Classification]]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        request = messages.ClassificationRequest(
            model_spec=_model_spec(ref, name), input=_input(examples, context)
        )

        def read(response: Any) -> list[list[Classification]]:
            return [
                [Classification(entry.label, entry.score) for entry in one.classes]
                for one in response.result.classifications
            ]

        return _call("Classify", request, messages.ClassificationResponse, read)

    def regress(
        self, ref: ModelRef, name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
    ) -> Call[NDArray[Any]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        request = messages.RegressionRequest(
            model_spec=_model_spec(ref, name), input=_input(examples, context)
        )

        def read(response: Any) -> NDArray[Any]:
            return np.array([entry.value for entry in response.result.regressions], np.float32)

        return _call("Regress", request, messages.RegressionResponse, read)

    def metadata(self, ref: ModelRef) -> Call[Metadata]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        request = messages.GetModelMetadataRequest(
            model_spec=_model_spec(ref), metadata_field=["signature_def"]
        )

        def read(response: Any) -> Metadata:
            packed = response.metadata["signature_def"].value
            signatures = messages.SignatureDefMap.FromString(packed).signature_def
            return Metadata.of(
                response.model_spec.name,
                response.model_spec.version.value,
                {name: _signature(definition) for name, definition in signatures.items()},
            )

        return _call("GetModelMetadata", request, messages.GetModelMetadataResponse, read)

    def status(self, ref: ModelRef) -> Call[list[VersionStatus]]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        request = messages.GetModelStatusRequest(model_spec=_model_spec(ref))

        def read(response: Any) -> list[VersionStatus]:
            return [
                VersionStatus(
                    entry.version,
                    _STATES.get(entry.state, "UNKNOWN"),
                    status_codes.name_of(entry.status.error_code),
                    entry.status.error_message,
                )
                for entry in response.model_version_status
            ]

        return _call("GetModelStatus", request, messages.GetModelStatusResponse, read)

    def reload(self, config: str) -> Call[None]:
        """See :class:`~tfdeconv.client.exchange.dialect.Dialect`."""
        request = messages.ReloadConfigRequest()
        try:
            text_format.Parse(config.removeprefix("\ufeff"), request.config)
        except text_format.ParseError as error:
            raise InvalidArgumentError(
                f"config must be a ModelServerConfig in text format, as in --model_config_file: {error}"
            ) from None

        def read(response: Any) -> None:
            if response.status.error_code:
                raise status_codes.error_of(response.status.error_code, response.status.error_message)

        return _call("HandleReloadConfigRequest", request, messages.ReloadConfigResponse, read)


def _call(method: str, request: Any, response_class: Any, read: Callable[[Any], T]) -> Call[T]:
    path = services.path(method)

    def parse(payload: bytes) -> T:
        try:
            response = response_class.FromString(payload)
        except DecodeError:
            raise InternalError(f"The server's answer to {path} is not the message it should be.") from None
        return read(response)

    return Call(path, request.SerializeToString(), parse)


def _model_spec(ref: ModelRef, signature_name: str = "") -> Any:
    spec = messages.ModelSpec(name=ref.name, signature_name=signature_name)
    if ref.version is not None:
        spec.version.value = ref.version
    elif ref.label is not None:
        spec.version_label = ref.label
    return spec


def _spec(info: Any, optional: bool = False) -> TensorSpec:
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    return TensorSpec(name_of(info.dtype), sizes, optional)


def _signature(definition: Any) -> Signature:
    return Signature(
        {name: _spec(info, name in definition.defaults) for name, info in sorted(definition.inputs.items())},
        {name: _spec(info) for name, info in sorted(definition.outputs.items())},
        definition.method_name,
    )


def _example(features: dict[str, Feature]) -> Any:
    example = messages.Example()
    for name, feature in features.items():
        getattr(example.features.feature[name], feature.kind).value.extend(feature.values)
    return example


def _input(examples: list[dict[str, Feature]], context: dict[str, Feature] | None) -> Any:
    protos = [_example(example) for example in examples]
    if context is None:
        return messages.Input(example_list=messages.ExampleList(examples=protos))
    with_context = messages.ExampleListWithContext(examples=protos, context=_example(context))
    return messages.Input(example_list_with_context=with_context)
