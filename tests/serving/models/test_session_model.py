"""Loading and running SavedModels: what is refused, and what must not end the process."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from tfdeconv.errors import InvalidRequestError, NotFoundError, ServingError
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
        (lambda path: shutil.rmtree(path / "variables"), None, None),
        (
            lambda path: (path / "variables" / "variables.index").write_bytes(b"nonsense"),
            ServingError,
            None,
        ),
    ],
)
def test_damaged_folders(copy, damage, error, message):
    """What cannot be loaded is a ServingError; a folder without variables loads and fails when it runs."""
    damage(copy)
    if error is not None:
        with pytest.raises(error, match=message):
            SessionModel(copy)
        return
    model = SessionModel(copy)
    with pytest.raises(ServingError):
        run(model, np.float32([[1]]))
    model.close()


def test_tags_must_be_there(toy_folder):
    """The error lists the tags that were looked for."""
    with pytest.raises(NotFoundError, match=r"matching supplied tags: \{ gpu \}"):
        SessionModel(toy_folder / "1", tags=["gpu"])


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
