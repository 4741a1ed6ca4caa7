"""The check inside an exported image signature: size and number of pictures, before anything is decoded.

A file of a few hundred bytes can declare billions of pixels, which a decoder allocates before it notices
that the data is missing. TensorFlow Serving has no limit of its own, so the graph has one.
"""

from __future__ import annotations

import tensorflow as tf

MAX_IMAGE_PIXELS = 1 << 26
"""The default limit, which is also that of ``tfdeconv serve --max_image_pixels``."""

_HEAD = 32
_PNG = b"\x89PNG\r\n\x1a\n"
_NO_SIZE = (0, 0, 1)  # cut off or damaged: the decoder says so


@tf.autograph.experimental.do_not_convert
def checked_picture(encoded: tf.Tensor, max_image_pixels: int) -> tf.Tensor:
    """Return the encoded picture, or fail where its header declares what must not be decoded.

    Args:
        encoded: String scalar.
        max_image_pixels: Most pixels, width times height.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs: the picture declares more pixels, is an animation
            (GIF, WebP, animated PNG), or is neither PNG, JPEG, GIF, BMP nor WebP.

    Example:
        >>> png = tf.io.encode_png(tf.zeros([4, 5, 3], tf.uint8))
        >>> checked_picture(png, 20).dtype
        tf.string
        >>> checked_picture(png, 19)
        Traceback (most recent call last):
        tensorflow.python.framework.errors_impl.InvalidArgumentError: ...
        b'The picture declares 5 x 4 pixels; this signature takes at most 19. Send tiles.'

    References:
        PNG specification, third edition, sections 11.2.1 and 11.3.6.1; GIF89a, sections 18 to 23;
        BITMAPINFOHEADER; RFC 9649 (WebP), section 2.7.
    """
    width, height, frames = _declared(encoded)
    size = tf.strings.format("The picture declares {} x {} pixels; ", (width, height))
    rule = f"this signature takes at most {max_image_pixels}. Send tiles."
    small = tf.debugging.Assert(width * height <= max_image_pixels, [tf.strings.join([size, rule])])
    alone = tf.debugging.Assert(
        frames <= 1,
        ["The file is an animation; this signature takes one picture. Send one frame."],
    )
    with tf.control_dependencies([check for check in (small, alone) if check is not None]):
        return tf.identity(encoded)


def _declared(encoded: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return (width, height, pictures; 2 for several) as int64 scalars."""
    head = tf.strings.join([tf.strings.substr(encoded, 0, _HEAD), tf.constant(bytes(_HEAD))])
    octets = tf.cast(tf.io.decode_raw(head, tf.uint8, fixed_length=2 * _HEAD), tf.int64)

    def starts(text: bytes, at: int = 0) -> tf.Tensor:
        return tf.reduce_all(octets[at : at + len(text)] == list(text))

    def number(at: int, count: int, *, big: bool = False) -> tf.Tensor:
        order = range(count - 1, -1, -1) if big else range(count)
        return tf.reduce_sum(octets[at : at + count] * [256**power for power in order])

    def png() -> tuple[tf.Tensor, ...]:
        return number(16, 4, big=True), number(20, 4, big=True), _png_pictures(encoded)

    def jpeg() -> tuple[tf.Tensor, ...]:
        shape = tf.io.extract_jpeg_shape(encoded, output_type=tf.int64)
        return shape[1], shape[0], tf.constant(1, tf.int64)

    def bmp() -> tuple[tf.Tensor, ...]:
        height = number(22, 4)  # two's complement: a negative one counts from the top
        return number(18, 4), tf.minimum(height, (1 << 32) - height), tf.constant(1, tf.int64)

    def webp() -> tuple[tf.Tensor, ...]:
        extended, lossless = starts(b"VP8X", 12), starts(b"VP8L", 12)
        packed = number(21, 4)
        size = tf.where(
            extended,
            tf.stack([number(24, 3) + 1, number(27, 3) + 1]),
            tf.where(
                lossless,
                tf.stack([packed % (1 << 14) + 1, packed // (1 << 14) % (1 << 14) + 1]),
                tf.stack([number(26, 2) % (1 << 14), number(28, 2) % (1 << 14)]),
            ),
        )
        animated = tf.logical_and(extended, octets[20] // 2 % 2 == 1)
        return size[0], size[1], tf.cast(animated, tf.int64) + 1

    def other() -> tuple[tf.Tensor, ...]:
        known = tf.debugging.Assert(False, ["The picture must be a PNG, JPEG, GIF, BMP or WebP file."])
        with tf.control_dependencies([] if known is None else [known]):
            return tuple(tf.constant(value, tf.int64) for value in _NO_SIZE)

    kinds = [
        (starts(_PNG), png),
        (tf.io.is_jpeg(encoded), jpeg),
        (starts(b"GIF8"), lambda: _gif(encoded)),
        (starts(b"BM"), bmp),
        (tf.logical_and(starts(b"RIFF"), starts(b"WEBP", 8)), webp),
    ]
    found: tuple[tf.Tensor, ...] = tf.case(kinds, default=other)
    return found


def _png_pictures(encoded: tf.Tensor) -> tf.Tensor:
    """Walk the chunks before the image data, where an animated PNG says how many pictures it has."""
    octets = _Octets(encoded)

    def body(at: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        kind = octets.big(at + 4)
        ends = tf.logical_or(kind == _name(b"IDAT"), kind == _name(b"acTL"))
        count = tf.where(kind == _name(b"acTL"), octets.big(at + 8), count)
        return tf.where(ends, octets.size, at + 12 + octets.big(at)), count

    _, count = tf.while_loop(
        lambda at, _: at < octets.size, body, (tf.constant(8, tf.int64), tf.constant(1, tf.int64))
    )
    return count


def _gif(encoded: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The size of the pictures, which TensorFlow takes instead of the screen's, and their number."""
    octets = _Octets(encoded)

    def skip(at: tf.Tensor) -> tf.Tensor:  # the blocks of data, up to the empty one
        (at,) = tf.while_loop(
            lambda at: tf.logical_and(at < octets.size, octets[at] > 0),
            lambda at: (at + 1 + octets[at],),
            (at,),
        )
        return at + 1

    def body(at: tf.Tensor, width: tf.Tensor, height: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
        kind = octets[at]
        picture = kind == 0x2C
        width = tf.where(picture, tf.maximum(width, octets.little(at + 5)), width)
        height = tf.where(picture, tf.maximum(height, octets.little(at + 7)), height)
        data = tf.where(picture, at + 11 + _gif_table(octets[at + 9]), at + 2)
        goes_on = tf.logical_or(picture, kind == 0x21)
        following = tf.cond(goes_on, lambda: skip(data), lambda: octets.size)
        return following, width, height, count + tf.cast(picture, tf.int64)

    zero = tf.constant(0, tf.int64)
    first = 13 + _gif_table(octets[tf.constant(10, tf.int64)])
    _, width, height, count = tf.while_loop(
        lambda at, width, height, count: tf.logical_and(at < octets.size, count < 2),
        body,
        (first, zero, zero, zero),
    )
    return width, height, count


def _gif_table(packed: tf.Tensor) -> tf.Tensor:
    """The size of the colour table that a field announces."""
    entries = tf.bitwise.left_shift(tf.constant(2, tf.int64), packed % 8)
    return 3 * entries * tf.cast(packed >= 128, tf.int64)


def _name(kind: bytes) -> int:
    return int.from_bytes(kind, "big")


class _Octets:
    """The bytes of a string as numbers; 0 beyond its end."""

    def __init__(self, encoded: tf.Tensor) -> None:
        self._values = tf.io.decode_raw(encoded, tf.uint8)
        self.size = tf.size(self._values, tf.int64)

    def __getitem__(self, at: tf.Tensor) -> tf.Tensor:
        value = tf.cast(self._values[tf.minimum(at, self.size - 1)], tf.int64)
        return value * tf.cast(at < self.size, tf.int64)

    def big(self, at: tf.Tensor) -> tf.Tensor:
        """Four bytes, the highest first."""
        return sum(self[at + place] * 256 ** (3 - place) for place in range(4))

    def little(self, at: tf.Tensor) -> tf.Tensor:
        """Two bytes, the lowest first."""
        return self[at] + 256 * self[at + 1]
