"""Segmentation models exported, served and queried with encoded pictures."""

import base64
import io
import json
import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf
from shapes_network import shapes_fcn

import tfdeconv as td
from tfdeconv.errors import ExportError
from tfdeconv.export import segmentation_signatures
from tfdeconv.export.segmentation_bytes import colour_map

PALETTE = [[0, 0, 0], [255, 0, 0], [0, 0, 255]]


def brightness_classes():
    """Scores whose argmax is 0, 1 or 2 by brightness: below 1/3, below 2/3, above."""
    image = keras.Input([None, None, 3], name="image")
    kernel = np.array([0.0, 1.0, 2.0]).reshape(1, 1, 1, 3).repeat(3, axis=2) / 3
    bias = [0.0, -1 / 3, -1.0]
    layer = keras.layers.Conv2D(
        3,
        1,
        kernel_initializer=keras.initializers.Constant(kernel),
        bias_initializer=keras.initializers.Constant(bias),
        name="scores",
    )
    return keras.Model(image, layer(image), name="brightness")


def png(picture):
    return tf.io.encode_png(picture).numpy()


def decoded(encoded):
    return tf.io.decode_png(encoded).numpy()


def test_label_map_and_overlay():
    """Levels of the label map are classes; the overlay tints all classes but the background."""
    picture = np.zeros([1, 3, 3], np.uint8)
    picture[0] = [[30] * 3, [120] * 3, [250] * 3]
    function = segmentation_signatures(brightness_classes(), palette=PALETTE, opacity=0.5)[
        "serve_image_bytes"
    ]
    answer = function(tf.constant([png(picture)]))
    assert decoded(answer["label_map_bytes"][0])[..., 0].tolist() == [[0, 1, 2]]
    overlay = decoded(answer["overlay_bytes"][0])[0]
    np.testing.assert_allclose(overlay, [[30, 30, 30], [187, 60, 60], [125, 125, 252]], atol=1)


def test_pictures_of_different_sizes_in_one_request():
    """Each picture has its own label map of its own size."""
    function = segmentation_signatures(shapes_fcn(8))["serve_image_bytes"]
    sizes = [(40, 52), (33, 64)]
    rng = np.random.default_rng(0)
    pictures = [png(rng.integers(0, 256, [*size, 3], np.uint8)) for size in sizes]
    answer = function(tf.constant(pictures))
    assert [decoded(label_map).shape[:2] for label_map in answer["label_map_bytes"].numpy()] == sizes


def test_colours_are_pascal_vocs():
    """The published palette starts with these colours."""
    assert colour_map(21)[[1, 2, 3, 4, 8, 15, 20]].tolist() == [
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [64, 0, 0],
        [192, 128, 128],
        [0, 64, 128],
    ]
    assert len(np.unique(colour_map(256), axis=0)) == 256


def test_served_over_both_protocols(tmp_path):
    """The exported network answers a PNG over REST and gRPC as it answers in this process."""
    pytest.importorskip("tensorflow_serving")
    model = shapes_fcn(16)
    td.export_saved_model(model, tmp_path / "shapes", signatures=segmentation_signatures(model))
    picture = np.random.default_rng(3).integers(0, 256, [45, 70, 3], np.uint8)
    expected = np.array(model(picture[None].astype("float32") / 255))[0].argmax(-1)
    body = {
        "signature_name": "serve_image_bytes",
        "inputs": [{"b64": base64.b64encode(png(picture)).decode()}],
    }
    with td.serving.Server(model_base_path=tmp_path / "shapes", model_name="shapes") as server:
        request = urllib.request.Request(
            f"{server.rest_url}/v1/models/shapes:predict", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            outputs = json.load(response)["outputs"]
        with td.client.connect(server.grpc_url, model="shapes") as client:
            answer = client.predict(
                {"image_bytes": np.array([png(picture)], object)}, signature="serve_image_bytes"
            )
    over_rest = base64.b64decode(outputs["label_map_bytes"][0]["b64"])
    for encoded in (over_rest, answer["label_map_bytes"][0]):
        np.testing.assert_array_equal(decoded(encoded)[..., 0], expected)
    assert io.BytesIO(answer["overlay_bytes"][0]).read(4) == b"\x89PNG"


def fixed_size():
    image = keras.Input([8, 8, 3])
    return keras.Model(image, keras.layers.Conv2D(2, 1)(image))


def grey():
    image = keras.Input([None, None, 1])
    return keras.Model(image, keras.layers.Conv2D(2, 1)(image))


def of_integers():
    image = keras.Input([None, None, 3], dtype="uint8")
    return keras.Model(image, keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1 / 255)(image)))


@pytest.mark.parametrize(
    ("make", "options", "reason"),
    [
        (of_integers, {}, r"must take floating-point pictures.*received an input of uint8"),
        (fixed_size, {}, r"must map one picture of free size to class scores"),
        (grey, {}, r"must take 3 channels"),
        (
            brightness_classes,
            {"palette": PALETTE[:2]},
            r"palette must hold 3 RGB colours.*received shape \(2, 3\)",
        ),
    ],
)
def test_other_models_are_refused(make, options, reason):
    """What cannot be served as a segmentation of pictures is refused before anything is written."""
    with pytest.raises(ExportError, match=reason):
        segmentation_signatures(make(), **options)
