"""BatchingParameters: what a file may say, what it leaves out, and what the server makes of it."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving import Server
from tfdeconv.serving.config import operator_protos
from tfdeconv.serving.config.batching_parameters import BatchingParameters


class TestParameters:
    def test_defaults_are_tensorflow_servings(self):
        """A file may leave everything out."""
        parameters = BatchingParameters.from_message(operator_protos.BatchingParameters())
        assert (parameters.max_batch_size, parameters.batch_timeout_micros) == (1000, 0)
        assert (parameters.max_enqueued_batches, parameters.thread_pool_name) == (10, "batch_threads")

    def test_every_field_is_read(self):
        """Wrapped and plain fields arrive."""
        text = """max_batch_size { value: 8 } batch_timeout_micros { value: 5 }
            max_enqueued_batches { value: 7 } num_batch_threads { value: 3 } thread_pool_name { value: "p" }
            allowed_batch_sizes: 2 allowed_batch_sizes: 4 pad_variable_length_inputs: true
            enable_large_batch_splitting { value: true } max_execution_batch_size { value: 4 }"""
        message = text_format.Parse(text, operator_protos.BatchingParameters())
        assert BatchingParameters.from_message(message) == BatchingParameters(
            max_batch_size=8,
            batch_timeout_micros=5,
            max_enqueued_batches=7,
            num_batch_threads=3,
            thread_pool_name="p",
            allowed_batch_sizes=(2, 4),
            pad_variable_length_inputs=True,
            enable_large_batch_splitting=True,
            max_execution_batch_size=4,
        )

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"max_batch_size": 0}, "max_batch_size must be positive; was 0"),
            ({"batch_timeout_micros": -1}, "batch_timeout_micros must be non-negative; was -1"),
            ({"allowed_batch_sizes": (4, 2, 1000)}, "must be in increasing order"),
            (
                {"max_batch_size": 8, "allowed_batch_sizes": (2, 4)},
                "must match max_batch_size; last entry was 4",
            ),
            (
                {
                    "max_batch_size": 8,
                    "enable_large_batch_splitting": True,
                    "max_execution_batch_size": 4,
                    "allowed_batch_sizes": (8,),
                },
                "must match max_execution_batch_size; last entry was 8; expected 4",
            ),
            ({"max_batch_size": 4, "max_execution_batch_size": 8}, "max_batch_size should be greater"),
        ],
    )
    def test_contradictions(self, values, message):
        """Values that cannot hold together are refused with both."""
        with pytest.raises(InvalidRequestError, match=message):
            BatchingParameters(**values)


@pytest.fixture
def parameters(tmp_path):
    """A small batching file."""
    path = tmp_path / "batching.config"
    path.write_text("max_batch_size { value: 4 } batch_timeout_micros { value: 1000 }")
    return path


class TestServer:
    def test_flag_and_file_batch_over_grpc(self, toy_folder, parameters, connect):
        """The server batches, and the batch's limit is the request's."""
        with Server(
            model_base_path=toy_folder,
            model_name="toy",
            enable_batching=True,
            batching_parameters_file=parameters,
            rest_port=None,
        ) as server:
            stub = connect(server).prediction
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "toy"
            request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones((4, 1), np.float32)))
            assert list(stub.Predict(request).outputs["y"].float_val) == [3, 3, 3, 3]
            assert (
                'queuing_latency_count{thread_pool_name="batch_threads"} 1'
                in server.runtime.telemetry.metrics.text()
            )
            request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones((5, 1), np.float32)))
            with pytest.raises(grpc.RpcError) as caught:
                stub.Predict(request)
            assert caught.value.details() == "Task size 5 is larger than maximum input batch size 4"
