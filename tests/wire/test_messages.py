"""The messages declared by hand are those of tensorflow-serving-api, field by field."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tfdeconv.wire.messages import messages

ROOTS = [
    predict_pb2.PredictRequest,
    predict_pb2.PredictResponse,
    classification_pb2.ClassificationRequest,
    classification_pb2.ClassificationResponse,
    regression_pb2.RegressionRequest,
    regression_pb2.RegressionResponse,
    get_model_metadata_pb2.GetModelMetadataRequest,
    get_model_metadata_pb2.GetModelMetadataResponse,
    get_model_metadata_pb2.SignatureDefMap,
    get_model_status_pb2.GetModelStatusRequest,
    get_model_status_pb2.GetModelStatusResponse,
    model_management_pb2.ReloadConfigRequest,
    model_management_pb2.ReloadConfigResponse,
]


def differences(ours, official, seen=None) -> list[str]:
    """Fields of ours, nested ones included, that the official message does not have just so."""
    seen = set() if seen is None else seen
    if ours.full_name in seen:
        return []
    seen.add(ours.full_name)
    found = []
    for field in ours.fields:
        other = official.fields_by_name.get(field.name)
        where = f"{official.full_name}.{field.name}"
        if other is None:
            found.append(f"{where} does not exist")
            continue
        enum_as_int = (field.type, other.type) == (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_ENUM)
        if field.number != other.number or (field.type != other.type and not enum_as_int):
            found.append(f"{where} is {other.number}, type {other.type}")
        if field.is_repeated != other.is_repeated or field.is_packed != other.is_packed:
            found.append(f"{where} is repeated or packed differently")
        if field.message_type is not None:
            found += differences(field.message_type, other.message_type, seen)
    return found


@pytest.mark.parametrize("official", ROOTS, ids=lambda root: root.DESCRIPTOR.name)
def test_fields_are_the_official_ones(official) -> None:
    """Names, numbers, types, repetition and packing."""
    ours = getattr(messages, official.DESCRIPTOR.name)
    assert ours.DESCRIPTOR.fields, "nothing to compare"
    assert differences(ours.DESCRIPTOR, official.DESCRIPTOR) == []


def test_every_message_is_compared() -> None:
    """No declared message is out of reach of the comparison."""
    seen: set[str] = set()
    for official in ROOTS:
        differences(getattr(messages, official.DESCRIPTOR.name).DESCRIPTOR, official.DESCRIPTOR, seen)
    assert {f"tfdeconv.wire.{name}" for name in vars(messages)} <= seen


def test_the_comparison_can_fail() -> None:
    """A request held against another message differs."""
    ours = messages.PredictRequest.DESCRIPTOR
    assert differences(ours, regression_pb2.RegressionRequest.DESCRIPTOR) == [
        "tensorflow.serving.RegressionRequest.inputs does not exist",
        "tensorflow.serving.RegressionRequest.output_filter does not exist",
    ]
