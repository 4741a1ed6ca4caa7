"""What server reflection tells of the services: the files that declare them, and those that they import."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2


def serialized() -> list[bytes]:
    """Return the files as messages, each after those that it imports."""
    from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2  # import TensorFlow

    found: dict[str, bytes] = {}
    for module in (prediction_service_pb2, model_service_pb2, health_pb2, reflection_pb2):
        _collect(module.DESCRIPTOR, found)
    return list(found.values())


def pool(files: Sequence[bytes]) -> descriptor_pool.DescriptorPool:
    """Return a pool of the files."""
    made = descriptor_pool.DescriptorPool()
    for file in files:
        made.Add(descriptor_pb2.FileDescriptorProto.FromString(file))
    return made


def _collect(file: FileDescriptor, found: dict[str, bytes]) -> None:
    for needed in file.dependencies:
        _collect(needed, found)
    if file.name not in found:
        message = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(message)
        found[file.name] = message.SerializeToString()
