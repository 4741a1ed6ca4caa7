"""Several devices that train one model together."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError


def strategy(devices: int) -> Any:
    """Return the distribution strategy of a number of devices of this machine.

    Args:
        devices: Graphics cards; where there is none, equal parts of the processor, which have to be made
            before TensorFlow computes anything. 1: TensorFlow's own choice.

    Raises:
        InvalidArgumentError: There are not so many; the message begins with the argument's name.

    Example:
        >>> strategy(1).num_replicas_in_sync
        1
    """
    if devices == 1:
        return tf.distribute.get_strategy()
    cards = tf.config.list_physical_devices("GPU")
    if cards and devices > len(cards):
        raise InvalidArgumentError(
            f"devices: TensorFlow finds {len(cards)} graphics cards here; received {devices}."
        )
    if not cards:
        (processor, *_) = tf.config.list_physical_devices("CPU")
        parts = [tf.config.LogicalDeviceConfiguration()] * devices
        try:
            tf.config.set_logical_device_configuration(processor, parts)
        except RuntimeError:
            raise InvalidArgumentError(
                "devices: the processor must be parted before TensorFlow computes anything in this process."
            ) from None
    kind = "GPU" if cards else "CPU"
    return tf.distribute.MirroredStrategy([f"{kind}:{number}" for number in range(devices)])
