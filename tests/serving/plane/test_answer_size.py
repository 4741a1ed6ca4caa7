"""An answer that no gRPC message can carry is refused before it is computed, where shapes tell its size."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv.errors import ResourceExhaustedError
from tfdeconv.serving import Runtime, ServerOptions
from tfdeconv.serving.model_spec import ModelSpec


class Tripled(tf.Module):
    """Signatures whose sizes follow from shapes (through nested functions), or from values."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = tf.Variable(3.0)
        self.kernel = tf.Variable(tf.ones([3, 3, 1, 1]))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 1], name="x")])
    def double(self, x):
        y = tf.function(td.ops.conv_transpose)(x, self.kernel, strides=2, padding="same")
        return {"y": y * self.factor, "name": tf.fill([tf.shape(x)[0]], "double")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="x")])
    def repeat(self, x):
        return {"y": tf.fill([tf.size(x), x[0]], 1.0)}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "batched"])
def plane(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    model = Tripled()
    tf.saved_model.save(model, str(folder / "1"), {"double": model.double, "repeat": model.repeat})
    batching = folder.parent / "batching.config"
    batching.write_text("max_batch_size { value: 8 }")
    options = {"enable_batching": True, "batching_parameters_file": str(batching)} if request.param else {}
    runtime = Runtime(ServerOptions(model_base_path=str(folder), model_name="m", **options))
    runtime.start()
    yield runtime.plane
    runtime.close()


def plane_model(plane):
    with plane.repository.lease(ModelSpec("m")) as servable:
        return servable.model


def predict(plane, signature, x, limit):
    return plane.predict(ModelSpec("m", signature_name=signature), {"x": x}, max_answer_bytes=limit)[1]


def test_the_shapes_tell_the_size(plane, monkeypatch):
    """2 x 8 x 10 float32 are 640 bytes: they pass, and one byte less is refused without a run."""
    x = np.ones([2, 4, 5, 1], np.float32)
    assert predict(plane, "double", x, 640)["y"].shape == (2, 8, 10, 1)
    ran = []
    monkeypatch.setattr(plane_model(plane), "run", lambda *_: ran.append(1))
    with pytest.raises(ResourceExhaustedError, match="takes 640 bytes; a gRPC message holds at most 639"):
        predict(plane, "double", x, 639)
    assert not ran


def test_output_filter_counts_what_is_asked_for(plane):
    """A string output has no size of its own."""
    x = np.ones([1, 400, 1, 1], np.float32)
    (answer,) = plane.predict(
        ModelSpec("m", signature_name="double"), {"x": x}, ["name"], max_answer_bytes=100
    )[1].values()
    assert answer.item() == b"double"


def test_what_values_decide_is_refused_when_it_is_known(plane):
    """No shape tells it: the run does."""
    assert predict(plane, "repeat", np.int32([25]), 100)["y"].size == 25
    with pytest.raises(ResourceExhaustedError, match="takes 104 bytes; a gRPC message holds at most 100"):
        predict(plane, "repeat", np.int32([26]), 100)


def test_shapes_that_do_not_fit_are_the_graphs_business(plane):
    """Its own error comes, not one of the size check."""
    with pytest.raises(td.errors.ServingError, match=r"depth|dimension|shape"):
        predict(plane, "double", np.ones([1, 2, 2, 5], np.float32), 10)
