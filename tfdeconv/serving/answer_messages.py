"""The generated messages that carry the data plane's values: specs, states, signatures, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    regression_pb2,
)

from tfdeconv.serving.codec import predict_message
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.plane.example_signatures import Classification, Regression
from tfdeconv.serving.repository.servable import VersionStatus
from tfdeconv.wire import status_codes


def metadata(
    spec: ModelSpec, signatures: Mapping[str, meta_graph_pb2.SignatureDef]
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Return the message that carries a model's signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(
        model_spec=predict_message.spec_to_message(spec)
    )
    table = get_model_metadata_pb2.SignatureDefMap(signature_def=signatures)
    response.metadata["signature_def"].Pack(table)
    return response


def status(versions: Sequence[VersionStatus]) -> get_model_status_pb2.GetModelStatusResponse:
    """Return the message that carries the states of a model's versions."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in versions:
        entry = response.model_version_status.add(version=version.version, state=int(version.state))
        entry.status.error_code = 0
        if version.error is not None:
            entry.status.error_code = status_codes.NUMBERS[status_codes.code_of(version.error)]
            entry.status.error_message = str(version.error)
        elif version.note:
            entry.status.error_message = version.note
    return response


def classification(result: Classification) -> classification_pb2.ClassificationResult:
    """Return the message of a classification."""
    message = classification_pb2.ClassificationResult()
    for classes in result.examples:
        entry = message.classifications.add()
        for label, score in classes:
            entry.classes.add(label=label, score=score)
    return message


def regression(result: Regression) -> regression_pb2.RegressionResult:
    """Return the message of a regression."""
    message = regression_pb2.RegressionResult()
    for value in result.values:
        message.regressions.add(value=value)
    return message


def multi_inference(
    specs: Sequence[ModelSpec], results: Sequence[Classification | Regression]
) -> inference_pb2.MultiInferenceResponse:
    """Return the message of several results over the same examples."""
    response = inference_pb2.MultiInferenceResponse()
    for spec, result in zip(specs, results, strict=True):
        entry = response.results.add(model_spec=predict_message.spec_to_message(spec))
        if isinstance(result, Classification):
            entry.classification_result.CopyFrom(classification(result))
        else:
            entry.regression_result.CopyFrom(regression(result))
    return response
