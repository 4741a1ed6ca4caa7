"""Export a Keras model as a SavedModel version folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import inference
from tfdeconv.errors import ExportError, InvalidArgumentError
from tfdeconv.export.image_bytes import image_bytes_function
from tfdeconv.export.picture_check import MAX_IMAGE_PIXELS
from tfdeconv.export.tensor_signature import serving_default
from tfdeconv.export.version_folder import new_version
from tfdeconv.export.warmup import Warmup, write_warmup
from tfdeconv.tiling import tiled
from tfdeconv.wire import tile_rule
from tfdeconv.wire.tile_rule import TileRule


def export_saved_model(
    model: keras.Model,
    base_path: str | os.PathLike[str],
    *,
    version: int | None = None,
    signatures: Mapping[str, Any] | None = None,
    warmup: Warmup | None = None,
    optimize: Mapping[str, Any] | None = None,
    tile: int | Sequence[int] | None = None,
    max_image_pixels: int | None = None,
) -> Path:
    """Write ``model`` as ``base_path/<version>/``, ready for TensorFlow Serving.

    The folder appears in one step: a server that watches ``base_path`` never sees half a model, and
    a crash in the middle leaves nothing that it would load. The graph holds TensorFlow ops alone, so
    tfdeconv is not needed where it is served.

    Args:
        model: A functional or Sequential Keras model.
        base_path: The model's folder; its name is the model's name. Made if missing.
        version: Version number, at least 1. None: one more than the newest.
        signatures: Signature name -> ``tf.function`` with an input signature, to be served instead of
            the usual ones: ``serving_default`` (the model's inputs and outputs under their names) and,
            where the model maps one RGB image to one RGB image in floats, ``serve_image_bytes`` (input
            ``image_bytes``: PNG, JPEG, GIF or BMP files, WebP from TensorFlow 2.20 on; output
            ``upscaled_bytes``: PNG files).
        warmup: Signature name -> requests (input name -> array) that a server replays before this
            version takes traffic. Needs the ``serving`` extra.
        optimize: Keyword arguments of :func:`tfdeconv.optimize`, such as ``{"input_shape": (256, 256, 3)}``,
            to export the faster model that it returns; None exports ``model`` as it is.
        tile: Longest side of the tiles in which clients send large pictures, one for each spatial axis or
            an int. The folder then says how they are cut (``assets.extra/tiles.json``, and a signature
            ``tiles`` that returns that text), for ``predict_tiled`` and ``upscale`` of a client.
        max_image_pixels: Most pixels of a picture that ``serve_image_bytes`` decodes; defaults to 2**26. The
            graph itself reads the headers and refuses larger ones, and animations, on any server. A limit of
            the server's own, such as ``tfdeconv serve --max_image_pixels``, holds beside it: the lower one
            decides.

    Returns:
        The version folder.

    Raises:
        ExportError: The folder cannot be written, holds other things than versions, the version
            exists, or the model has no symbolic inputs.
        InvalidArgumentError: ``tile`` is given and the model has no exact tiles, or none of this size; or
            ``max_image_pixels`` is given and no ``serve_image_bytes`` is made, or is not positive.

    Example:
        >>> import tempfile
        >>> image = keras.Input([None, None, 3], name="image")
        >>> model = keras.Model(image, keras.layers.UpSampling2D()(image))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = export_saved_model(model, folder)
        ...     print(path.name, sorted(tf.saved_model.load(path).signatures))
        1 ['serve_image_bytes', 'serving_default']
    """
    if not getattr(model, "inputs", None):
        raise ExportError(
            f"model {model.name!r} has no symbolic inputs, so its signature is unknown. Build a functional "
            "or Sequential model from keras.Input."
        )
    if max_image_pixels is not None:
        _check_pixels(max_image_pixels, model, signatures)
    rule = None if tile is None else _tile_rule(model, tile)
    if optimize is not None:
        model = inference.optimize(model, **optimize).model
    base = Path(base_path)
    with new_version(base, version) as (draft, final):
        module = tf.Module()
        module.variables_of_model = [variable.value for variable in model.variables]
        module.functions = dict(signatures or _usual_signatures(model, max_image_pixels or MAX_IMAGE_PIXELS))
        if rule is not None:
            module.functions[tile_rule.SIGNATURE] = _text_function(rule)
        tf.saved_model.save(module, str(draft), signatures=module.functions)
        if rule is not None:
            extra = draft / "assets.extra"
            extra.mkdir(exist_ok=True)
            (extra / tile_rule.FILE).write_text(rule)
        if warmup:
            write_warmup(draft, base.name, warmup)
    return final


def _tile_rule(model: keras.Model, tile: int | Sequence[int]) -> str:
    """The text that tells how pictures are cut for ``model``."""
    cut = tiled(model, tile=tile)
    cut.check_tile()
    return TileRule(cut.halo, cut.stride, cut.tile, cut.scales, cut.channels_first).to_json()


def _text_function(text: str) -> Any:
    query = tf.TensorSpec([None], tf.string, name=tile_rule.QUERY)

    @tf.function(input_signature=[query], autograph=False)
    def tiles(query: tf.Tensor) -> dict[str, tf.Tensor]:
        return {tile_rule.SIGNATURE: tf.fill(tf.shape(query), text)}

    return tiles


def _check_pixels(max_image_pixels: int, model: keras.Model, signatures: Mapping[str, Any] | None) -> None:
    if max_image_pixels < 1:
        raise InvalidArgumentError(f"max_image_pixels must be positive; received {max_image_pixels}.")
    if signatures or not _is_rgb_to_rgb(model):
        raise InvalidArgumentError(
            f"The limit of {max_image_pixels} pixels is for the signature serve_image_bytes, which a model "
            "gets that maps one RGB picture of any size to one RGB picture, without signatures of its own. "
            "Leave the limit out."
        )


def _usual_signatures(model: keras.Model, max_image_pixels: int) -> dict[str, Any]:
    signatures = {"serving_default": serving_default(model)}
    if _is_rgb_to_rgb(model):
        signatures["serve_image_bytes"] = image_bytes_function(
            lambda image: model(image, training=False), max_image_pixels=max_image_pixels
        )
    return signatures


def _is_rgb_to_rgb(model: keras.Model) -> bool:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return False
    ends = (model.inputs[0], model.outputs[0])
    if not all(tf.as_dtype(tensor.dtype).is_floating for tensor in ends):
        return False  # pictures are from 0 to 1, which integers cannot be
    shapes = [tensor.shape for tensor in ends]
    free = all(size is None for size in model.inputs[0].shape[1:3])
    return free and all(len(shape) == 4 and shape[-1] == 3 for shape in shapes)
