"""Version folders, signatures and warm-up records of exported models."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv.errors import ExportError
from tfdeconv.export import version_folder
from tfdeconv.export.image_bytes import encode_rgb

PHOTO = np.random.default_rng(7).random((1, 9, 7, 3)).astype("float32")


@pytest.fixture(scope="module")
def upscaler():
    model = td.zoo.RGBUpscaler(td.zoo.FSRCNN(2), scale=2)
    kernel = model.get_layer("fsrcnn_x2").get_layer("deconvolution").kernel
    kernel.assign(np.random.default_rng(1).normal(0, 0.01, kernel.shape))  # untrained, it would be bilinear
    return model


@pytest.fixture(scope="module")
def exported(upscaler, tmp_path_factory):
    return td.export_saved_model(upscaler, tmp_path_factory.mktemp("models") / "upscaler")


def tiny_model():
    return keras.Sequential([keras.Input([4], name="features"), keras.layers.Dense(2, name="scores")])


def test_version_folders_number_themselves_after_the_newest(tmp_path):
    """The first version is 1; then one more than the highest, whatever gaps there are."""
    assert td.export_saved_model(tiny_model(), tmp_path) == tmp_path / "1"
    (tmp_path / "41").mkdir()
    assert td.export_saved_model(tiny_model(), tmp_path).name == "42"
    assert td.export_saved_model(tiny_model(), tmp_path, version=7).name == "7"
    assert version_folder.versions(tmp_path) == [1, 7, 41, 42]


def test_an_existing_version_is_never_replaced(tmp_path):
    """Writing over a version that may be served is refused, and leaves it as it was."""
    path = td.export_saved_model(tiny_model(), tmp_path)
    before = (path / "saved_model.pb").read_bytes()
    with pytest.raises(ExportError, match=r"version must be new; .*1' exists"):
        td.export_saved_model(tiny_model(), tmp_path, version=1)
    assert (path / "saved_model.pb").read_bytes() == before


def test_a_version_taken_during_the_export_is_not_replaced(tmp_path):
    """Two exporters that chose one number: the second to finish is refused at the rename."""
    with (
        pytest.raises(ExportError, match="version must be new"),
        version_folder.new_version(tmp_path, None) as (draft, final),
    ):
        (draft / "mine").touch()
        final.mkdir()
        (final / "theirs").touch()
    assert [path.name for path in final.iterdir()] == ["theirs"]


@pytest.mark.parametrize("version", [0, -3])
def test_versions_start_at_1(tmp_path, version):
    """A server reads version folders as positive numbers."""
    with pytest.raises(ExportError, match=f"version must be at least 1; received {version}"):
        td.export_saved_model(tiny_model(), tmp_path, version=version)


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    """An error in the middle of writing removes the draft; no version appears."""

    def fail(*args, **kwargs):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(RuntimeError, match="disk on fire"):
        td.export_saved_model(tiny_model(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_export_leaves_nothing_that_a_server_would_load(tmp_path):
    """After SIGKILL in the middle of writing, only a hidden draft remains; exporting works on."""
    script = f"""
import os, signal
from pathlib import Path
from tfdeconv.export.version_folder import new_version
with new_version(Path({str(tmp_path)!r}), None) as (draft, final):
    (draft / "saved_model.pb").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    assert not left.name.isdecimal()
    assert left.name.startswith(".")
    assert version_folder.versions(tmp_path) == []
    assert td.export_saved_model(tiny_model(), tmp_path).name == "1"


def test_a_folder_with_other_things_is_refused(tmp_path):
    """A base path holds versions alone: anything else means that the path is wrong."""
    (tmp_path / "holiday.jpg").touch()
    (tmp_path / "1").mkdir()
    with pytest.raises(ExportError, match=r"nothing else; .* holds 'holiday.jpg'. Choose an empty"):
        td.export_saved_model(tiny_model(), tmp_path)


def test_a_file_as_base_path_is_refused(tmp_path):
    """The base path is a folder."""
    path = tmp_path / "model"
    path.touch()
    with pytest.raises(ExportError, match=r"base_path must be a folder; .* is a file"):
        td.export_saved_model(tiny_model(), path)


def test_an_unwritable_folder_is_refused():
    """The message names the path and the system's reason (procfs refuses folders, even to root)."""
    with pytest.raises(ExportError, match=r"base_path '/proc/.*' cannot be written: .*Choose a folder"):
        td.export_saved_model(tiny_model(), "/proc/models/upscaler")


def test_a_model_without_inputs_is_refused(tmp_path):
    """A subclassed model has no names and shapes to make a signature of."""

    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ExportError, match="has no symbolic inputs"):
        td.export_saved_model(Subclassed(name="subclassed"), tmp_path / "m")


def test_the_signature_is_free_in_batch_and_size(upscaler, exported):
    """serving_default takes any N, H and W and gives the model's numbers."""
    served = tf.saved_model.load(str(exported)).signatures["serving_default"]
    (spec,) = served.structured_input_signature[1].values()
    assert (spec.name, spec.shape.as_list(), spec.dtype) == ("image", [None, None, None, 3], tf.float32)
    for shape in [(1, 9, 7, 3), (3, 4, 5, 3), (2, 1, 1, 3)]:
        image = np.random.default_rng(2).random(shape).astype("float32")
        np.testing.assert_allclose(served(image=tf.constant(image))["upscaled"], upscaler(image), atol=1e-6)


@pytest.mark.parametrize("encode", [tf.io.encode_png, lambda image: tf.io.encode_jpeg(image, quality=95)])
def test_image_bytes_equal_the_model_on_the_decoded_picture(upscaler, exported, encode):
    """serve_image_bytes = decode, model, round to 8 bits, for each picture of any size."""
    served = tf.saved_model.load(str(exported)).signatures["serve_image_bytes"]
    pictures = [np.random.default_rng(seed).integers(0, 256, (5 + seed, 6, 3), np.uint8) for seed in range(2)]
    encoded = [encode(picture) for picture in pictures]
    answers = served(image_bytes=tf.stack(encoded))["upscaled_bytes"].numpy()
    for answer, sent in zip(answers, encoded, strict=True):
        assert answer.startswith(b"\x89PNG")
        decoded = tf.io.decode_image(sent, channels=3) if encode is tf.io.encode_png else _accurate(sent)
        expected = upscaler(decoded.numpy()[None].astype("float32") / 255)[0].numpy()
        np.testing.assert_array_equal(tf.io.decode_png(answer).numpy(), np.floor(expected * 255 + 0.5))


def _accurate(jpeg):
    return tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")


def test_jpeg_is_decoded_as_pillow_does():
    """The accurate transform: no pixel differs from Pillow's by more than one level."""
    import io

    from PIL import Image

    from tfdeconv.export.image_bytes import decode_rgb

    photo = (Path(td.__file__).parent / "cli" / "demo_photo.jpg").read_bytes()
    expected = np.asarray(Image.open(io.BytesIO(photo))).astype(int)
    assert np.abs(decode_rgb(tf.constant(photo)).numpy() - expected).max() <= 1


@pytest.mark.parametrize(
    "broken", [b"", b"not a picture", tf.io.encode_png(np.zeros((4, 4, 3), np.uint8)).numpy()[:40]]
)
def test_broken_pictures_are_refused(exported, broken):
    """Empty, foreign and truncated bytes raise TensorFlow's InvalidArgumentError; nothing is returned."""
    served = tf.saved_model.load(str(exported)).signatures["serve_image_bytes"]
    with pytest.raises(tf.errors.InvalidArgumentError):
        served(image_bytes=tf.constant([broken]))


@pytest.mark.parametrize("shape", [(1, 0, 0, 3), (1, 0, 5, 3), (0, 5, 5, 3)])
def test_empty_pictures_are_refused(exported, shape):
    """No picture, or one without pixels: the message says so and holds the shape."""
    served = tf.saved_model.load(str(exported)).signatures["serving_default"]
    received = re.escape(f"received shape] [{' '.join(map(str, shape))}]")
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"at least one pixel each.*{received}"):
        served(image=tf.zeros(shape))


def test_the_saved_model_needs_no_tfdeconv(upscaler, exported, tmp_path):
    """Plain tf.saved_model.load gives the same numbers in a process that cannot import tfdeconv."""
    np.save(tmp_path / "photo.npy", PHOTO)
    script = f"""
import sys
sys.modules["tfdeconv"] = None  # importing it now raises ImportError
import numpy as np, tensorflow as tf
served = tf.saved_model.load({str(exported)!r}).signatures["serving_default"]
photo = np.load({str(tmp_path / "photo.npy")!r})
np.save({str(tmp_path / "answer.npy")!r}, served(image=tf.constant(photo))["upscaled"].numpy())
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), upscaler(PHOTO), atol=1e-6)


def test_inputs_and_outputs_keep_their_names(tmp_path):
    """Several inputs and a dictionary of outputs are served under the model's own names."""
    left, right = keras.Input([3], name="left"), keras.Input([3], name="right")
    model = keras.Model(
        {"left": left, "right": right},
        {"sum": keras.layers.Add()([left, right]), "product": keras.layers.Multiply()([left, right])},
    )
    served = tf.saved_model.load(str(td.export_saved_model(model, tmp_path))).signatures["serving_default"]
    answer = served(left=tf.constant([[1.0, 2, 3]]), right=tf.constant([[4.0, 5, 6]]))
    assert answer["sum"].numpy().tolist() == [[5, 7, 9]]
    assert answer["product"].numpy().tolist() == [[4, 10, 18]]


def test_every_output_of_one_layer_is_served(tmp_path):
    """A layer that is called twice, or returns two tensors, gives each a name of its own."""
    image = keras.Input([4, 4, 1], name="image")
    pooled, switches = td.layers.MaxPooling2DWithSwitches(2, name="pool")(image)
    model = keras.Model(image, [pooled, switches])
    served = tf.saved_model.load(str(td.export_saved_model(model, tmp_path))).signatures["serving_default"]
    x = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    answer = served(image=x)
    assert answer["pool"].numpy().ravel().tolist() == [5, 7, 13, 15]
    assert answer["pool_1"].numpy().ravel().tolist() == [5, 7, 13, 15]
    assert answer["pool_1"].dtype == tf.int64


def test_integer_pictures_are_served_as_tensors_alone(tmp_path):
    """Decoded pictures go from 0 to 1, which would all be 0 as integers."""
    image = keras.Input([None, None, 3], dtype="uint8")
    model = keras.Model(image, keras.layers.UpSampling2D()(keras.layers.Rescaling(1 / 255)(image)))
    loaded = tf.saved_model.load(str(td.export_saved_model(model, tmp_path)))
    assert list(loaded.signatures) == ["serving_default"]


def test_pictures_in_half_precision_are_rounded_to_the_nearest_level():
    """As the same numbers in float32 are, for all that float16 has from 0 to 1."""
    values = np.arange(0x3C01, dtype=np.uint16).view(np.float16).reshape(1, -1, 1)
    levels = tf.io.decode_png(encode_rgb(tf.constant(values)))
    np.testing.assert_array_equal(levels, np.floor(values.astype("float32") * 255 + 0.5))


def test_own_signatures_replace_the_usual_ones(tmp_path):
    """A mapping of functions is served as it is."""
    model = tiny_model()

    @tf.function(input_signature=[tf.TensorSpec([None, 4], name="x")])
    def doubled(x):
        return {"y": 2 * model(x)}

    loaded = tf.saved_model.load(str(td.export_saved_model(model, tmp_path, signatures={"doubled": doubled})))
    assert list(loaded.signatures) == ["doubled"]
    x = np.ones((1, 4), "float32")
    np.testing.assert_allclose(loaded.signatures["doubled"](x=tf.constant(x))["y"], 2 * model(x), rtol=1e-6)


def test_warmup_requests_are_written_where_servers_look(tmp_path):
    """assets.extra/tf_serving_warmup_requests holds one PredictionLog for each request."""
    from tensorflow_serving.apis import prediction_log_pb2

    warmup = {
        "serving_default": [
            {"features": np.ones((1, 4), "float32")},
            {"features": np.zeros((2, 4), "float32")},
        ]
    }
    path = td.export_saved_model(tiny_model(), tmp_path / "scorer", warmup=warmup)
    records = list(tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests")))
    requests = [prediction_log_pb2.PredictionLog.FromString(r.numpy()).predict_log.request for r in records]
    assert [request.model_spec.name for request in requests] == ["scorer"] * 2
    assert tf.make_ndarray(requests[1].inputs["features"]).shape == (2, 4)


def test_more_warmup_requests_than_servers_take_are_refused(tmp_path):
    """TensorFlow Serving does not load a model with more than 1000, so nothing is exported."""
    request = {"features": np.ones((1, 4), "float32")}
    with pytest.raises(ExportError, match="at most 1000 requests; received 1001"):
        td.export_saved_model(tiny_model(), tmp_path / "m", warmup={"serving_default": [request] * 1001})
    assert list((tmp_path / "m").iterdir()) == []
