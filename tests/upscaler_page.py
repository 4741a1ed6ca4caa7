"""The page for pictures in front of a server: what it serves, and how tests use the page."""

from __future__ import annotations

import io
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import tfdeconv as td
from tfdeconv.export.segmentation_bytes import segmentation_signatures

PHOTO = Path(td.__file__).parent / "cli" / "demo_photo.jpg"
TILE = 320
"""Longest side of the tiles that the models with tiles say."""


def segmenter():
    """Three classes, by brightness around each pixel, at half the size and back."""
    image = keras.Input([None, None, 3], name="image")
    mean = keras.layers.Conv2D(1, 5, strides=2, padding="same", use_bias=False)
    scores = keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same", name="scores")
    model = keras.Model(image, scores(mean(image)))
    mean.set_weights([np.full([5, 5, 3, 1], 1 / 75)])
    scores.set_weights([np.array([[-2], [0], [2]]) * np.full([4, 4, 3, 1], 0.25), np.array([1.0, 0.5, -1.0])])
    return model


def fractional():
    """Three halves of a picture, less what its borders cost: no padding, stride 2, transposed stride 3."""
    keras.utils.set_random_seed(3)
    image = keras.Input([None, None, 3], name="image")
    half = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(image)
    return keras.Model(image, keras.layers.Conv2DTranspose(3, 5, strides=3, activation="sigmoid")(half))


def doubling():
    """A cheap upscaler by 2 that looks two pixels far."""
    image = keras.Input([None, None, 3], name="image")
    layer = td.layers.BilinearUpsampling2D(2, boundary="edge")
    return keras.Model(image, layer(image))


def export_models(base):
    """Upscalers and segmenters with tiles and without, and a model that knows no pictures."""
    td.export_saved_model(td.zoo.RGBUpscaler(td.zoo.load_upscaler(2), 2), base / "upscaler", tile=TILE)
    td.export_saved_model(doubling(), base / "untold")
    td.export_saved_model(fractional(), base / "fractional", tile=TILE)
    model = segmenter()
    signatures = segmentation_signatures(model)
    td.export_saved_model(model, base / "segmenter", signatures=signatures, tile=TILE)
    td.export_saved_model(model, base / "untold_segmenter", signatures=signatures)
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, [tf.TensorSpec([None], name="x")])
    tf.saved_model.save(module, str(base / "double" / "1"), module.double)
    entries = "".join(
        f'config {{ name: "{path.name}" base_path: "{path}" model_platform: "tensorflow" }}\n'
        for path in sorted(base.iterdir(), key=lambda path: (path.name != "upscaler", path.name))
    )
    (base / "models.config").write_text(f"model_config_list {{\n{entries}}}\n")


def photo(width, height):
    """The photograph at a size, sharp enough that a seam would show."""
    return Image.open(PHOTO).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def png(image, **options):
    """A picture as the bytes of a PNG file."""
    content = io.BytesIO()
    image.save(content, "PNG", **options)
    return content.getvalue()


def give(page, *files):
    """Put files into the list, as if they were chosen."""
    page.locator("#files").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files]
    )


def done(page, name, timeout=120_000):
    """The row of a picture, when it is done."""
    row = page.locator("li.done", has_text=name)
    row.wait_for(timeout=timeout)
    return row


def saved(page, name, button="Save"):
    """The file that a button of a row saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"{button} {name}", exact=True).click()
    with Image.open(download.value.path()) as image:
        return download.value.suggested_filename, image.copy()


def difference(one, other):
    """Levels between two pictures, channel by channel."""
    assert one.size == other.size
    return np.abs(np.asarray(one.convert("RGBA"), np.int16) - np.asarray(other.convert("RGBA"), np.int16))
