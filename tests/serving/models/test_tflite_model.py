"""TensorFlow Lite files: numbers, signatures, sizes, batching, and what must not end the process."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_log_pb2

from tfdeconv.errors import InternalError, InvalidRequestError, NotFoundError, ServingError
from tfdeconv.serving import Server
from tfdeconv.serving.loading import warmup_replay
from tfdeconv.serving.models.tflite_interpreter import LiteInterpreter
from tfdeconv.serving.models.tflite_model import FILE, TfliteModel, unique_names

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 3, 2)).astype(np.float32)


def function(body: Callable[..., object], *specs: tf.TensorSpec) -> bytes:
    """A file without signatures, as converters of a bare function write it."""
    module = tf.Module()
    module.f = tf.function(body, input_signature=specs)
    concrete = module.f.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def floats(*shape: int | None, name: str = "x") -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32, name=name)


@pytest.fixture(scope="module")
def toy_file(toy_folder) -> bytes:
    """Three signatures of the toy (factor 2), each a graph of its own in the file."""
    keys = ["serving_default", "two", "blur"]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(toy_folder / "1"), signature_keys=keys)
    return converter.convert()


@pytest.fixture
def load(tmp_path):
    """Load a model from a file's bytes."""
    made: list[TfliteModel] = []

    def call(content: bytes, **options) -> TfliteModel:
        file = tmp_path / FILE
        file.write_bytes(content)
        made.append(TfliteModel(file, **{"interpreters": 1} | options))
        return made[-1]

    yield call
    for model in made:
        model.close()


def run(model, inputs, signature="serving_default"):
    spec = model.signatures[signature]
    feeds = {spec.inputs[alias].tensor_name: value for alias, value in inputs.items()}
    values = model.run(feeds, [tensor.tensor_name for tensor in spec.outputs.values()])
    return dict(zip(spec.outputs, values, strict=True))


class TestNumbers:
    def test_signatures_of_the_file_compute_what_the_savedmodel_computes(self, load, toy_file, toy_folder):
        """Each signature under its own names and aliases, open sizes as -1, at any open size."""
        model = load(toy_file)
        assert sorted(model.signatures) == ["blur", "serving_default", "two"]
        assert model.signatures["blur"].inputs["image"].shape == (-1, -1, -1, 3)
        original = tf.saved_model.load(str(toy_folder / "1")).signatures["blur"]
        for shape in ((1, 4, 5, 3), (2, 7, 3, 3), (1, 4, 5, 3)):
            image = np.random.default_rng(1).random(shape, np.float32)
            wanted = original(image=tf.constant(image))["image"]
            found = run(model, {"image": image}, "blur")["image"]
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
        two = run(model, {"a": np.float32([[1, 2], [3, 4]]), "b": np.int32([5, 6])}, "two")
        assert {alias: value.tolist() for alias, value in two.items()} == {"sum": [3, 7], "next": [6, 7]}

    def test_keras_model(self, load):
        """A Keras model that ends in a transposed convolution, converted as it is, gives its pictures."""
        model = keras.Sequential(
            [
                keras.Input((None, None, 1)),
                keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same", activation="relu"),
            ]
        )
        x = np.random.default_rng(2).random((2, 5, 6, 1), np.float32)
        loaded = load(tf.lite.TFLiteConverter.from_keras_model(model).convert())
        (alias,) = loaded.signatures["serving_default"].inputs
        (found,) = run(loaded, {alias: x}).values()
        np.testing.assert_allclose(found, model(x), rtol=1e-5, atol=1e-6)

    def test_file_without_signatures(self, load):
        """It gets serving_default over its tensors, named as far as the colon, method predict."""
        model = load(function(lambda x: x * 3, floats(None, 2)))
        (name,) = model.signatures
        signature = model.signatures[name]
        assert (name, list(signature.inputs), list(signature.outputs)) == (
            "serving_default",
            ["x"],
            ["Identity"],
        )
        assert signature.method_name == "tensorflow/serving/predict"
        assert run(model, {"x": np.float32([[1, 2]])})["Identity"].tolist() == [[3, 6]]

    def test_same_tensor_names_in_two_signatures(self, toy_file):
        """They are told apart, so that a run finds the signature that was asked for."""
        signature = LiteInterpreter(toy_file).signatures()["blur"]
        both = unique_names({"a": signature, "b": signature})
        names = [entry.inputs["image"][1].tensor_name for entry in both.values()]
        assert names == ["blur_image:0", "b/blur_image:0"]

    def test_strings(self, load):
        """Any number of strings, with zero bytes at their ends."""
        model = load(function(tf.identity, tf.TensorSpec([None], tf.string, name="text")))
        text = np.array([b"a\0", b"", "ü".encode()], object)
        (found,) = run(model, {"text": text}).values()
        assert found.tolist() == text.tolist()

    def test_fixed_batch_runs_in_pieces(self, load):
        """A file for two rows serves one, two and five; the rows are those of single runs."""
        model = load(function(lambda x: tf.cumsum(x, 1), floats(2, 3)))
        assert model.batch_size == 2
        for rows in (1, 2, 5):
            x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
            assert run(model, {"x": x})["Identity"].tolist() == np.cumsum(x, 1).tolist()

    def test_requests_at_the_same_time(self, load, toy_file):
        """Twice as many threads as interpreters, sizes all different: every answer is its own."""
        model = load(toy_file, interpreters=2)
        failures = []

        def ask(number):
            for repeat in range(20):
                x = np.full((1 + repeat % 3, number + 1), number, np.float32)
                found = run(model, {"x": x})["y"]
                if found.shape != x.shape or not (found == 2 * number).all():
                    failures.append((number, repeat, found))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not failures


class TestRefused:
    @pytest.mark.parametrize(
        ("signature", "inputs", "message"),
        [
            (
                "blur",
                {"image": np.ones((1, 2, 2, 3), np.float64)},
                r"Expects arg\[0\] to be float but double",
            ),
            ("blur", {"image": np.ones((2, 2, 3), np.float32)}, r"must have rank 4 \(shape \[\?,\?,\?,3\]\)"),
            ("blur", {"image": np.ones((1, 2, 2, 4), np.float32)}, r"must have shape \[\?,\?,\?,3\] but"),
            ("blur", {"image": np.ones((0, 2, 2, 3), np.float32)}, r"is empty \(shape \[0,2,2,3\]\)"),
            ("two", {"a": np.ones((1, 3), np.float32), "b": np.int32([1])}, r"must have shape \[\?,2\]"),
        ],
    )
    def test_wrong_values(self, load, toy_file, signature, inputs, message):
        """Each is named, and the interpreter serves the next request."""
        model = load(toy_file)
        with pytest.raises(InvalidRequestError, match=message):
            run(model, inputs, signature)
        assert run(model, {"x": np.float32([[1]])})["y"].tolist() == [[2]]

    @pytest.mark.parametrize("depthwise", [False, True])
    def test_picture_smaller_than_the_kernel(self, load, depthwise):
        """A valid convolution has nothing to compute there; XNNPACK would end the process."""
        if depthwise:
            content = function(
                lambda x: tf.nn.depthwise_conv2d(x, tf.ones([3, 3, 3, 1]), [1] * 4, "VALID"),
                floats(None, None, None, 3),
            )
        else:
            content = function(lambda x: tf.nn.conv2d(x, KERNEL, 2, "VALID"), floats(None, None, None, 3))
        model = load(content)
        for shape in ((1, 1, 1, 3), (1, 2, 9, 3)):
            with pytest.raises(InvalidRequestError, match=r"cannot compute with inputs of these sizes \(x "):
                run(model, {"x": np.ones(shape, np.float32)})
        assert run(model, {"x": np.ones((1, 3, 3, 3), np.float32)})["Identity"].shape[:3] == (1, 1, 1)

    def test_sizes_that_do_not_fit_together(self, load):
        """What the allocation refuses is the request's fault, and said with the sizes."""
        model = load(function(lambda a, b: a + b, floats(None, name="a"), floats(None, name="b")))
        with pytest.raises(InvalidRequestError, match=r"these sizes \(a \[2\], b \[3\]\)"):
            run(model, {"a": np.ones(2, np.float32), "b": np.ones(3, np.float32)})
        assert run(model, {"a": np.float32([1, 2]), "b": np.float32([1])})["Identity"].tolist() == [2, 3]

    def test_operation_that_fails(self, load):
        """It says why, no more the second time than the first, and the next request is served."""
        model = load(function(lambda x: tf.gather(x, [2], axis=1), floats(1, None)))
        for _ in range(2):
            with pytest.raises(InternalError, match=r"^Failed to invoke .* out of bounds") as caught:
                run(model, {"x": np.ones((1, 1), np.float32)})
            assert str(caught.value).count("out of bounds") == 1
        (found,) = run(model, {"x": np.float32([[1, 2, 3]])}).values()
        assert found.tolist() == [[3]]

    def test_open_rank(self, load):
        """Where the file leaves the rank open any is taken that all kernels can compute with."""
        model = load(function(lambda x: x * 2, tf.TensorSpec(None, tf.float32, name="x")))
        for rank in (0, 1, 5):
            (found,) = run(model, {"x": np.ones((1,) * rank, np.float32)}).values()
            assert (found.ndim, found.sum()) == (rank, 2)
        with pytest.raises(InvalidRequestError, match="must have rank 5 or less; a tensor of rank 6"):
            run(model, {"x": np.ones((1,) * 6, np.float32)})

    def test_fixed_sizes_stay(self, load):
        """A slice folded into the file reads past a resized batch; the rows run one by one instead."""
        model = load(function(lambda x: tf.slice(x, [0, 1, 1, 0], [-1, 2, 2, 3]), floats(1, 4, 4, 3)))
        x = np.random.default_rng(3).random((5, 4, 4, 3), np.float32)
        np.testing.assert_array_equal(run(model, {"x": x})["Identity"], x[:, 1:3, 1:3])

    def test_fixed_first_size_that_the_outputs_lack(self, load):
        """Rows cannot run one by one there: the file's size is the only one."""
        model = load(function(lambda x: tf.reduce_sum(x, 0), floats(2, 3)))
        assert run(model, {"x": np.ones((2, 3), np.float32)})["Identity"].tolist() == [2, 2, 2]
        with pytest.raises(
            InvalidRequestError, match=r"must have shape \[2,3\] but a tensor of shape \[4,3\]"
        ):
            run(model, {"x": np.ones((4, 3), np.float32)})

    def test_tensors_of_no_signature(self, load, toy_file):
        """A raw run, as a warm-up record may ask for, names what there is not."""
        with pytest.raises(InvalidRequestError, match=r"No signature .* takes \{nonsense\} and gives \{y\}"):
            load(toy_file).run({"nonsense": np.float32([1])}, ["y"])

    @pytest.mark.parametrize("content", [b"", b"no model" * 20, None])
    def test_corrupt_file(self, load, toy_file, content):
        """Empty, foreign and truncated files are a load error with the file's name."""
        with pytest.raises(ServingError, match=r"Cannot read the TensorFlow Lite model .*model\.tflite: "):
            load(toy_file[:500] if content is None else content)

    def test_missing_file(self, tmp_path):
        """No file, no model."""
        with pytest.raises(NotFoundError, match=r"There is no TensorFlow Lite model .*model\.tflite"):
            TfliteModel(tmp_path / FILE)


@pytest.fixture
def lite_folder(tmp_path, toy_folder, toy_file) -> Path:
    """Version 2 of the toy (factor 3) with version 1's TensorFlow Lite file (factor 2) beside it."""
    base = tmp_path / "toy"
    shutil.copytree(toy_folder / "2", base / "2")
    (base / "2" / FILE).write_bytes(toy_file)
    return base


def request(values, signature="", name="x"):
    message = predict_pb2.PredictRequest()
    message.model_spec.name, message.model_spec.signature_name = "toy", signature
    message.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return message


class TestServed:
    def test_is_preferred_only_with_the_flag(self, lite_folder, toy_folder, call_rest):
        """Without the flag the SavedModel serves; with it a version without the file falls back."""
        for folder, prefer, factor in (
            (lite_folder, True, 2),
            (lite_folder, False, 3),
            (toy_folder, True, 3),
        ):
            with Server(model_base_path=folder, model_name="toy", prefer_tflite_model=prefer) as server:
                call = call_rest(server)
                answer = call("POST", "/v1/models/toy:predict", {"instances": [[1, 2], [3, 4]]})
                predictions = [[factor, 2 * factor], [3 * factor, 4 * factor]]
                assert answer == (200, {"predictions": predictions})
                assert call("GET", "/v1/models/toy")[1]["model_version_status"][0]["state"] == "AVAILABLE"

    @pytest.mark.parametrize(
        "options", [{}, {"enable_batching": True}, {"num_tflite_interpreters_per_pool": 250}]
    )
    def test_both_protocols(self, lite_folder, connect, call_rest, options):
        """Predict, metadata and errors, alone and in batches of the server's or of the model's own."""
        with Server(
            model_base_path=lite_folder, model_name="toy", prefer_tflite_model=True, **options
        ) as server:
            stub, call = connect(server).prediction, call_rest(server)
            x = np.arange(10, dtype=np.float32).reshape(5, 2)
            outputs = stub.Predict(request(x)).outputs
            assert tf.make_ndarray(outputs["y"]).tolist() == (2 * x).tolist()
            metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
            metadata.model_spec.name = "toy"
            packed = stub.GetModelMetadata(metadata).metadata["signature_def"]
            signatures = get_model_metadata_pb2.SignatureDefMap()
            packed.Unpack(signatures)
            assert sorted(signatures.signature_def) == ["blur", "serving_default", "two"]
            with pytest.raises(grpc.RpcError) as caught:
                stub.Predict(request(np.ones((1, 2), np.int32)))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert caught.value.details() == "Expects arg[0] to be float but int32 is provided"
            answer = call("POST", "/v1/models/toy:predict", {"instances": []})
            assert answer[0] == 400
            body = {"signature_name": "two", "inputs": {"a": [[1, 2]], "b": [4]}}
            assert call("POST", "/v1/models/toy:predict", body) == (
                200,
                {"outputs": {"sum": [3.0], "next": [5]}},
            )

    def test_warm_up_runs(self, lite_folder):
        """Its records run on the file's signatures, and a bad one keeps the version from serving."""
        file = lite_folder / "2" / warmup_replay.FILE
        file.parent.mkdir()
        for name in ("x", "wrong"):
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request(np.ones((1, 2), np.float32), name=name))
            with tf.io.TFRecordWriter(str(file)) as writer:
                writer.write(log.SerializeToString())
            server = Server(model_base_path=lite_folder, prefer_tflite_model=True, max_num_load_retries=0)
            if name == "x":
                with server:
                    pass
            else:
                with pytest.raises(ServingError, match="not found in request"), server:
                    pass

    def test_corrupt_file_is_a_load_error(self, lite_folder):
        """The SavedModel beside it does not stand in for a file that is broken."""
        (lite_folder / "2" / FILE).write_bytes(b"nonsense" * 10)
        server = Server(model_base_path=lite_folder, prefer_tflite_model=True, max_num_load_retries=0)
        with pytest.raises(
            ServingError, match=r"did not become available: .*Cannot read the TensorFlow Lite"
        ):
            server.start()
        server.stop(grace=0)
