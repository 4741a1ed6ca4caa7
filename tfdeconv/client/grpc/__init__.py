"""gRPC with grpcio and protobuf but without TensorFlow."""

from tfdeconv.client.grpc.dialect import GrpcDialect as Dialect
from tfdeconv.client.grpc.transport import AsyncTransport, Transport

__all__ = ["AsyncTransport", "Dialect", "Transport"]
