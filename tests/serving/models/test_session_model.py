"""Loading and running SavedModels: what is refused, and what must not end the process."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError, NotFoundError, ServingError
from tfdeconv.serving.models.session_model import SessionModel

v1 = tf.compat.v1


@pytest.fixture
def copy(toy_folder, tmp_path):
    """A copy of the toy's version 1 to be damaged."""
    return shutil.copytree(toy_folder / "1", tmp_path / "1")


def run(model, value, signature="serving_default"):
    spec = model.signatures[signature]
    (feed,) = (tensor.tensor_name for tensor in spec.inputs.values())
    return model.run({feed: value}, [tensor.tensor_name for tensor in spec.outputs.values()])


def test_numbers_are_those_of_tensorflow(toy_folder):
    """The session and TensorFlow 2's own loader compute the same."""
    x = np.random.default_rng(0).random((1, 9, 11, 3), np.float32)
    wanted = tf.saved_model.load(str(toy_folder / "1")).signatures["blur"](image=tf.constant(x))["image"]
    model = SessionModel(toy_folder / "1")
    np.testing.assert_allclose(run(model, x, "blur")[0], wanted, rtol=1e-6)
    model.close()


def test_threads_across_operations_give_the_same(toy_folder):
    """With inter_op_parallelism_threads the graph runs on a pool; the answer does not change."""
    config = config_pb2.ConfigProto(inter_op_parallelism_threads=2, use_per_session_threads=True)
    model = SessionModel(toy_folder / "1", config=config)
    assert run(model, np.float32([[1, 2]]))[0].tolist() == [[2, 4]]
    model.close()


def test_repeated_fetches(toy_folder):
    """A tensor under two names is fetched once and answered twice."""
    model = SessionModel(toy_folder / "1")
    spec = model.signatures["serving_default"]
    first, second = model.run(
        {spec.inputs["x"].tensor_name: np.float32([[1]])}, [spec.outputs["y"].tensor_name] * 2
    )
    assert first is second
    model.close()


def test_combinations_of_outputs_do_not_fill_the_memory(tmp_path):
    """Requests choose among the outputs; what is kept for each choice is bounded."""
    module = tf.Module()
    module.f = tf.function(
        lambda x: {f"y{number}": x + number for number in range(8)},
        input_signature=[tf.TensorSpec([], name="x")],
    )
    tf.saved_model.save(module, str(tmp_path), module.f)
    model = SessionModel(tmp_path)
    spec = model.signatures["serving_default"]
    names = [tensor.tensor_name for tensor in spec.outputs.values()]
    feeds = {spec.inputs["x"].tensor_name: np.float32(1)}
    for choice in range(1, 200):
        chosen = [number for number in range(8) if choice >> number & 1]
        values = model.run(feeds, [names[number] for number in chosen])
        assert [value.item() for value in values] == [1 + number for number in chosen]
    assert len(model._callables) <= 64
    model.close()


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda path: (path / "saved_model.pb").unlink(), NotFoundError, "Could not find SavedModel .pb or"),
        (lambda path: (path / "saved_model.pb").write_bytes(b"\xff" * 9), ServingError, "Cannot read the"),
        (
            lambda path: shutil.rmtree(path / "variables"),
            FailedPreconditionError,
            r"not whole: its graph has 1 variables, but variables/variables.index is not there",
        ),
        (
            lambda path: (path / "variables" / "variables.index").unlink(),
            FailedPreconditionError,
            "not whole",
        ),
        (
            lambda path: (path / "variables" / "variables.data-00000-of-00001").unlink(),
            ServingError,
            None,
        ),
        (
            lambda path: (path / "variables" / "variables.data-00000-of-00001").write_bytes(b""),
            ServingError,
            None,
        ),
        (
            lambda path: (path / "variables" / "variables.index").write_bytes(b"nonsense"),
            ServingError,
            None,
        ),
    ],
)
def test_damaged_folders(copy, damage, error, message):
    """What cannot be loaded, a folder that is half copied too, is a ServingError before any request."""
    damage(copy)
    with pytest.raises(error, match=message):
        SessionModel(copy)


def test_an_asset_that_has_not_arrived_is_named(tmp_path):
    """A vocabulary that is missing would fail the initialiser or each request, in words about paths."""
    (tmp_path / "words.txt").write_text("a\nb\n")
    module = tf.Module()
    module.words = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    module.f = tf.function(lambda: {"y": tf.io.read_file(module.words.asset_path)}, input_signature=[])
    tf.saved_model.save(module, str(tmp_path / "1"), module.f)
    SessionModel(tmp_path / "1").close()
    (tmp_path / "1" / "assets" / "words.txt").unlink()
    with pytest.raises(FailedPreconditionError, match=r"assets/words.txt is not there"):
        SessionModel(tmp_path / "1")


def test_tags_must_be_there(toy_folder):
    """The error lists the tags that were looked for."""
    with pytest.raises(NotFoundError, match=r"matching supplied tags: \{ gpu \}"):
        SessionModel(toy_folder / "1", tags=["gpu"])


class Scalar(tf.Module):
    """A TensorFlow 2 signature with an input of rank 0, with and without an op that aborts on wrong ranks."""

    def __init__(self, *, convolve: bool) -> None:
        super().__init__()
        self.convolve = convolve

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 1], tf.float32, name="x"),
            tf.TensorSpec([], tf.float32, name="factor"),
        ]
    )
    def scale(self, x, factor):
        return {"y": factor * (tf.nn.conv2d(x, tf.ones([1, 1, 1, 1]), 1, "SAME") if self.convolve else x)}


@pytest.mark.parametrize("convolve", [True, False])
def test_row_form_of_a_scalar_input(tmp_path, convolve):
    """Rows make a list of a scalar input; the op decides, as in TensorFlow Serving."""
    module = Scalar(convolve=convolve)
    tf.saved_model.save(module, str(tmp_path / "1"), module.scale)
    model = SessionModel(tmp_path / "1")
    signature = model.signatures["serving_default"]
    names = [signature.inputs[alias].tensor_name for alias in ("x", "factor")]
    fetch = signature.outputs["y"].tensor_name
    feeds = dict(zip(names, (np.ones((2, 1, 1, 1), np.float32), np.float32([3])), strict=True))
    (value,) = model.run(feeds, [fetch])
    assert value.tolist() == [[[[3]]], [[[3]]]]
    feeds[names[0]] = np.ones((2,), np.float32)
    if convolve:  # it would end the process
        with pytest.raises(InvalidRequestError, match="must have rank 4"):
            model.run(feeds, [fetch])
    else:
        assert model.run(feeds, [fetch])[0].tolist() == [3, 3]
    model.close()


def test_errors_of_ops_do_not_show_the_graph(tmp_path):
    """A client learns what is wrong, not how the functions of the graph are called."""

    class Reshape(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def two(self, x):
            return {"y": tf.reshape(x, [2])}

    module = Reshape()
    tf.saved_model.save(module, str(tmp_path / "1"), module.two)
    model = SessionModel(tmp_path / "1")
    signature = model.signatures["serving_default"]
    feeds = {signature.inputs["x"].tensor_name: np.zeros(3, np.float32)}
    with pytest.raises(InvalidRequestError) as caught:
        model.run(feeds, [signature.outputs["y"].tensor_name])
    assert str(caught.value) == ("Input to reshape is a tensor with 3 values, but the requested shape has 2")
    model.close()


def test_rank_of_a_tensorflow_1_convolution_is_checked(tmp_path):
    """A placeholder of TensorFlow 1 takes any rank, unless the graph holds an op that would abort."""
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, None, None, 1], "x")
        y = tf.nn.conv2d(x, tf.ones([3, 3, 1, 1]), 1, "SAME", name="y")
        info, build = v1.saved_model.build_tensor_info, v1.saved_model.build_signature_def
        builder = v1.saved_model.Builder(str(tmp_path / "1"))
        signature = build({"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict")
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    model = SessionModel(tmp_path / "1")
    with pytest.raises(InvalidRequestError, match=r"must have rank 4 \(shape \[\?,\?,\?,1\]\)"):
        run(model, np.float32([1, 2, 3]))
    assert run(model, np.ones((1, 1, 1, 1), np.float32))[0].item() == 1
    model.close()


@pytest.mark.parametrize("shape", [(1, 0, 0, 3), (0, 4, 4, 3), (1, 4, 4, 1), (1, 4, 4, 0), (1, 1, 1, 3)])
def test_odd_images_are_answered_or_refused(toy_folder, shape):
    """Empty images, missing batches and other channel counts never end the process."""
    model = SessionModel(toy_folder / "1")
    try:
        assert run(model, np.zeros(shape, np.float32), "blur")[0].shape == shape
    except InvalidRequestError:
        assert shape[3] != 3
    model.close()
