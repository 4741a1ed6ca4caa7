"""Endless batches of patches whose content depends on the seed and the step alone."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfdeconv.training.patches import PatchSet


def _dihedral(low: Any, high: Any, coins: Any) -> tuple[Any, Any]:
    """Mirror and transpose each patch of a batch by its own three coins ``[3, batch]``."""
    for coin, change in zip(
        tf.unstack(coins[:, :, None, None, None]),
        (
            lambda image: tf.reverse(image, [1]),
            lambda image: tf.reverse(image, [2]),
            lambda image: tf.transpose(image, (0, 2, 1, 3)),
        ),
        strict=True,
    ):
        low, high = tf.where(coin, change(low), low), tf.where(coin, change(high), high)
    return low, high


def batches(
    patches: PatchSet,
    *,
    batch: int,
    seed: int,
    first_step: int,
    steps: int,
    collages: bool = True,
    jpeg_share: float = 0.0,
) -> Any:
    """Return the batches of ``steps`` steps from ``first_step`` on.

    Every batch is drawn with random numbers that are a function of (seed, step), so a run that resumes at a
    step sees what the uninterrupted run would have seen.

    Args:
        patches: To draw from, with replacement.
        batch: Patches per step.
        seed: Any integer.
        first_step: Step of the first batch.
        steps: Batches to give.
        collages: Whether to draw from the patches of collages and drawings too.
        jpeg_share: Fraction of the low-resolution patches taken as JPEG leaves them, where there are such.

    Returns:
        A ``tf.data.Dataset`` of (low ``[batch, p, p, 1]``, high ``[batch, p*scale, p*scale, 1]``), float32.
    """
    drawn = len(patches) - (0 if collages else patches.made)
    share = jpeg_share if patches.versions > 1 else 0.0
    low_side, high_side = patches.size, patches.size * patches.scale

    def draw(step: Any) -> tuple[Any, Any]:
        key = tf.stack([tf.constant(seed, tf.int64), step])
        index = tf.random.stateless_uniform((batch,), key, 0, drawn, tf.int32)
        coins = tf.random.stateless_uniform((3, batch), key + tf.constant((1, 0), tf.int64)) < 0.5
        chance = tf.random.stateless_uniform((batch,), key + tf.constant((2, 0), tf.int64))
        number = tf.random.stateless_uniform(
            (batch,), key + tf.constant((3, 0), tf.int64), 1, max(2, patches.versions), tf.int32
        )
        version = tf.where(chance < share, number, 0)
        low, high = tf.numpy_function(patches.cut, [index, version], (tf.float32, tf.float32))
        low = tf.ensure_shape(low, (batch, low_side, low_side))
        high = tf.ensure_shape(high, (batch, high_side, high_side))
        return _dihedral(low[..., None], high[..., None], coins)

    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    return tf.data.Dataset.range(first_step, first_step + steps).map(draw).prefetch(4).with_options(options)
