"""The exported image signature refuses, inside its graph, what must not be decoded."""

from __future__ import annotations

import functools
import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdeconv.export.image_bytes import image_bytes_function
from tfdeconv.export.picture_check import checked_picture
from tfdeconv.serving.models import image_size

KINDS = {
    "PNG": {},
    "JPEG": {},
    "progressive JPEG": {"progressive": True},
    "GIF": {},
    "BMP": {},
    "WebP": {},
    "lossless WebP": {"lossless": True},
    "extended WebP": {"exif": b"Exif\0\0" + bytes(8)},
}


def encoded(kind, size=(31, 20), frames=1):
    pixels = np.random.default_rng(0).integers(0, 255, (frames, size[1], size[0], 3), np.uint8)
    first, *rest = map(Image.fromarray, pixels)
    several = {"save_all": True, "append_images": rest} if rest else {}
    file = io.BytesIO()
    first.save(file, kind.split()[-1], **KINDS[kind], **several)
    return file.getvalue()


@pytest.fixture(scope="module")
def signature():
    """As exported: 620 pixels pass, 619 would not."""
    return image_bytes_function(lambda image: image, max_image_pixels=620)


@pytest.fixture(scope="module")
def check():
    """``check(data, limit)`` in a graph."""

    @functools.cache
    def graph(limit):
        spec = [tf.TensorSpec([], tf.string)]
        return tf.function(lambda data: checked_picture(data, limit), input_signature=spec)

    return lambda data, limit: graph(limit)(data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_headers_pixels_are_the_pictures(signature, check, kind):
    """A picture at the limit is decoded; one pixel less refuses it, and names the size."""
    data = encoded(kind)
    answer = signature(tf.constant([data]))["upscaled_bytes"][0]
    assert tf.io.decode_png(answer).shape == (20, 31, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"declares 31 x 20 pixels; .* at most 619"):
        check(data, 619)


def declares(kind, width, height):
    """A few bytes of the kind that declare any size."""
    if kind == "PNG":
        body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", body), (b"IDAT", zlib.compress(b"\0" * 9)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        )
    data = bytearray(encoded(kind, (8, 8)))
    if kind == "BMP":
        struct.pack_into("<ii", data, 18, width, -height)
    elif kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif kind == "GIF":  # the picture's own size, within a screen of 8 x 8
        at = 13 + 768 if data[10] & 0x80 else 13
        at = data.index(b"\x2c\0\0\0\0\x08\0\x08\0", 13)
        struct.pack_into("<HH", data, at + 5, width, height)
    elif kind == "lossless WebP":
        struct.pack_into("<I", data, 21, (width - 1) | (height - 1) << 14)
    elif kind == "WebP":
        struct.pack_into("<HH", data, 26, width, height)
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("PNG", (100_000, 100_000)),
        ("PNG", (0x7FFFFFFF, 0x7FFFFFFF)),
        ("BMP", (40_000, 40_000)),
        ("JPEG", (65_000, 65_000)),
        ("GIF", (65_000, 65_000)),
        ("WebP", (16_383, 16_383)),
        ("lossless WebP", (16_384, 16_384)),
    ],
)
def test_a_picture_bomb_is_refused_before_it_is_decoded(signature, check, kind, size):
    """A file of a few hundred bytes that declares gigabytes, in the signature's words and by the server."""
    data = declares(kind, *size)
    wanted = f"declares {size[0]} x {size[1]} pixels; this signature takes at most"
    with pytest.raises(tf.errors.InvalidArgumentError, match=wanted):
        check(data, 1 << 26)
    with pytest.raises(tf.errors.InvalidArgumentError, match=wanted):
        signature(tf.constant([encoded("PNG"), data]))
    assert image_size.declared_pixels(data) >= size[0] * size[1]


@pytest.mark.parametrize("kind", ["GIF", "WebP", "lossless WebP", "PNG"])
def test_animations_are_refused(signature, kind):
    """As by ``tfdeconv upscale``: the first frame of several is never taken for the picture."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"is an animation; .* Send one frame"):
        signature(tf.constant([encoded(kind, (8, 8), frames=3)]))


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\x0a" + bytes(20), b"II*\0" + bytes(20)])
def test_other_files_are_named(signature, data):
    """Also JPEG XL and TIFF, and no file at all."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a PNG, JPEG, GIF, BMP or WebP file"):
        signature(tf.constant([data]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_is_an_error(signature, kind):
    """At any place of the header, and of what the walk over chunks and blocks reads."""
    data = encoded(kind, (8, 8))
    for length in [*range(1, 40), len(data) // 2]:
        with pytest.raises(tf.errors.InvalidArgumentError):
            signature(tf.constant([data[:length]]))
