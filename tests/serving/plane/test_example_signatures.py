"""Classify, Regress and MultiInference over tf.Example, of TensorFlow 1 and 2 models."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, inference_pb2, predict_pb2, regression_pb2

from tfdeconv.errors import InternalError
from tfdeconv.serving import Server
from tfdeconv.serving.models.saved_model_proto import Signature
from tfdeconv.serving.plane import example_signatures


def fill(request, *values, context=None):
    listing = request.input.example_list
    if context is not None:
        listing = request.input.example_list_with_context
        listing.context.features.feature["x"].float_list.value.append(context)
    for value in values:
        example = listing.examples.add()
        if value is not None:
            example.features.feature["x"].float_list.value.append(value)
    return request


def classification(signature, *values, name="toy", context=None):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    return fill(request, *values, context=context)


class TestTensorFlow2:
    def test_classify_labels_and_scores(self, stubs):
        """Classes and scores come by example; the method name of a TF2 signature does not matter."""
        result = stubs.prediction.Classify(classification("classify", 0.25, 0.75)).result
        rows = [[(entry.label, entry.score) for entry in row.classes] for row in result.classifications]
        assert rows == [[("low", 0.75), ("high", 0.25)], [("low", 0.25), ("high", 0.75)]]

    def test_context_is_merged_into_each_example(self, stubs):
        """An example without the feature takes the context's, one with it keeps its own."""
        request = classification("classify", None, 0.75, context=0.5)
        rows = stubs.prediction.Classify(request).result.classifications
        assert [row.classes[1].score for row in rows] == [0.5, 0.75]

    def test_regress(self, stubs):
        """One value for each example, and the resolved spec."""
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "toy", "regress"
        answer = stubs.prediction.Regress(fill(request, 1, 2))
        assert [entry.value for entry in answer.result.regressions] == [3, 6]
        assert answer.model_spec.version.value == 2

    def test_rest(self, rest):
        """Examples as JSON objects; the context counts for all."""
        body = {"signature_name": "classify", "examples": [{"x": 0.25}, {"x": [0.75]}]}
        assert rest("POST", "/v1/models/toy:classify", body) == (
            200,
            {"results": [[["low", 0.75], ["high", 0.25]], [["low", 0.25], ["high", 0.75]]]},
        )
        body = {"signature_name": "regress", "context": {"x": 2.0}, "examples": [{}, {"x": 0.5}]}
        assert rest("POST", "/v1/models/toy:regress", body) == (200, {"results": [6.0, 1.5]})

    def test_multi_inference_feeds_each_signature_the_examples(self, stubs):
        """TensorFlow 2 gives each signature an input of its own (testMultiInferenceTf2 of its own suite)."""
        request = inference_pb2.MultiInferenceRequest()
        for signature in ("classify", "regress"):
            task = request.tasks.add(method_name=f"tensorflow/serving/{signature}")
            task.model_spec.name, task.model_spec.signature_name = "toy", signature
        classes, value = stubs.prediction.MultiInference(fill(request, 0.25)).results
        (row,) = classes.classification_result.classifications
        assert [(entry.label, entry.score) for entry in row.classes] == [("low", 0.75), ("high", 0.25)]
        assert [entry.value for entry in value.regression_result.regressions] == [0.75]
        assert [result.model_spec.signature_name for result in (classes, value)] == ["classify", "regress"]


@pytest.fixture(scope="module")
def tf1_server(tf1_folder):
    """A server of the TensorFlow 1 model that checks method names."""
    with Server(
        model_base_path=tf1_folder,
        model_name="old",
        enable_signature_method_name_check=True,
        max_num_load_retries=0,
    ) as running:
        yield running


class TestTensorFlow1:
    def test_variables_asset_and_initialiser_are_restored(self, tf1_server, connect):
        """The table's words come from the asset, which the initialiser reads."""
        answer = connect(tf1_server).prediction.Classify(classification("classes", 0.25, 0.75, name="old"))
        assert [row.classes[0].label for row in answer.result.classifications] == ["low", "high"]

    def test_classification_without_classes_has_empty_labels(self, tf1_server, connect):
        """Scores alone are answered with the label ``""``."""
        answer = connect(tf1_server).prediction.Classify(classification("scores", 0.25, name="old"))
        ((entry,),) = (row.classes for row in answer.result.classifications)
        assert (entry.label, entry.score) == ("", 0.25)

    def test_multi_inference_runs_once_and_names_each_result(self, tf1_server, connect):
        """Each result has its own spec and kind."""
        request = inference_pb2.MultiInferenceRequest()
        for signature, method in (("classes", "classify"), ("value", "regress")):
            task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
            task.model_spec.name, task.model_spec.signature_name = "old", signature
        first, second = connect(tf1_server).prediction.MultiInference(fill(request, 0.75)).results
        assert first.classification_result.classifications[0].classes[0].label == "high"
        assert second.regression_result.regressions[0].value == 1.5
        assert [result.model_spec.signature_name for result in (first, second)] == ["classes", "value"]

    def test_method_name_check(self, tf1_server, connect):
        """With the flag, a signature of another method is refused."""
        with pytest.raises(grpc.RpcError) as caught:
            connect(tf1_server).prediction.Classify(classification("value", 1, name="old"))
        assert caught.value.details() == (
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/regress"
        )

    def test_method_name_check_of_predict(self, tf1_server, connect):
        """Any of the three methods may be run as a prediction; another is the server's INTERNAL error."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "old", "value"
        with pytest.raises(grpc.RpcError, match="Missing but required"):
            connect(tf1_server).prediction.Predict(request)
        signature = Signature.from_message("own", meta_graph_pb2.SignatureDef(method_name="my/method"))
        with pytest.raises(InternalError, match=r"tensorflow/serving/regress}. Was: my/method"):
            example_signatures.check_prediction_method(signature)

    def test_shape_is_the_ops_business(self, tf1_server, connect):
        """A [3] fed to a placeholder of shape [-1, 1] works, because multiplication takes it."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "old"
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([1, 2, 3])))
        answer = connect(tf1_server).prediction.Predict(request)
        np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), [2, 4, 6])
