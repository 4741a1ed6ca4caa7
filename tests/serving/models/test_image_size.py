"""What a request's encoded images declare together, before one of them is decoded."""

from __future__ import annotations

import io

import grpc
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving import Server
from tfdeconv.serving.models import image_size


def encoded(kind, frames=1, size=(30, 20)):
    pictures = [Image.new("RGB", size, (index, 0, 0)) for index in range(frames)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=frames > 1, append_images=pictures[1:])
    return buffer.getvalue()


@pytest.mark.parametrize("frames", [1, 7])
def test_every_frame_of_a_gif_counts(frames):
    """decode_gif makes them all; one that is cut off counts as far as it goes."""
    data = encoded("GIF", frames)
    assert image_size.declared_pixels(data) == frames * 600
    for length in range(13, len(data)):
        assert image_size.declared_pixels(data[:length]) <= frames * 600


def test_images_of_one_request_count_together():
    """Many small bombs are one large one."""
    pictures = np.array([encoded("PNG")] * 3 + [b"no picture"], object)
    image_size.check(pictures, 1800)
    with pytest.raises(InvalidRequestError, match=r"declare 1800 or more pixels; .* at most 1799. Send"):
        image_size.check(pictures, 1799)
    with pytest.raises(InvalidRequestError, match=r"An image declares 600 pixels; .* Send it in tiles"):
        image_size.check(pictures[:1], 599)


class TestImageSize:
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
    def test_header_tells_the_pixels(self, form):
        """The product of the sides, for each format that TensorFlow decodes."""
        buffer = io.BytesIO()
        Image.new("RGB", (37, 21)).save(buffer, form)
        assert image_size.declared_pixels(buffer.getvalue()) == 37 * 21

    @pytest.mark.parametrize(
        ("bits", "pixels"),
        [
            # 8 rows, as wide as high; 16 rows and 24 columns in eights; 500 rows, 16:9; 1 and 2**30 in full
            ("1 00000 001", 64),
            ("1 00001 000 00010", 16 * 24),
            ("0 00 111110011 101", 500 * 888),
            ("0 11 " + "0" * 30 + " 000 11 " + "1" * 30, 1 << 30),
        ],
    )
    def test_jpeg_xl_header(self, bits, pixels):
        """Fields follow one another from the least significant bit on."""
        number = position = 0
        for field in bits.split():
            number |= int(field, 2) << position
            position += len(field)
        codestream = b"\xff\x0a" + number.to_bytes(12, "little")
        assert image_size.declared_pixels(codestream) == pixels
        container = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x16jxlc" + codestream
        assert image_size.declared_pixels(container) == pixels

    def test_lossless_and_extended_webp(self):
        """The three kinds of WebP chunks keep their sizes in three places."""
        for mode, options in (
            ("RGB", {"lossless": True}),
            ("RGBA", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
        ):
            buffer = io.BytesIO()
            Image.new(mode, (37, 21)).save(buffer, "WEBP", **options)
            assert image_size.declared_pixels(buffer.getvalue()) == 37 * 21

    def test_other_bytes_have_no_size(self):
        """Text, and headers that are cut off, are left to the decoder."""
        for data in (b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0" * 9, b"BM"):
            assert image_size.declared_pixels(data) is None

    def test_bomb_is_refused_over_grpc(self, toy_folder):
        """A PNG of a hundred bytes that declares gigapixels never reaches the decoder."""
        bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        message = predict_pb2.PredictRequest()
        message.model_spec.name, message.model_spec.signature_name = "toy", "echo"
        message.inputs["text"].CopyFrom(tf.make_tensor_proto([bomb]))
        with (
            Server(model_base_path=toy_folder, model_name="toy", rest_port=None) as server,
            grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
        ):
            with pytest.raises(grpc.RpcError) as caught:
                prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(message)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "An image declares 3600000000 pixels" in caught.value.details()
