"""What every signature over pictures checks before the model sees them."""

from __future__ import annotations

import tensorflow as tf


def refuse_empty(pictures: tf.Tensor) -> tf.Tensor:
    """Return ``pictures``, or fail where there is none or one has no pixels.

    Without it the first convolution fails on them, in words about filter depths (TensorFlow 2.21 with
    oneDNN gives an empty batch the wrong shape).

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, with the shape received.

    Example:
        >>> refuse_empty(tf.zeros([1, 2, 3, 3])).shape
        TensorShape([1, 2, 3, 3])
    """
    shape = tf.shape(pictures)
    message = "pictures must have at least one pixel each, and there must be one; received shape"
    check = tf.debugging.Assert(tf.reduce_all(shape > 0), [message, shape], summarize=pictures.shape.rank)
    with tf.control_dependencies([] if check is None else [check]):  # None: checked eagerly
        return tf.identity(pictures)
