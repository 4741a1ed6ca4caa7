"""Pictures through a served upscaler: types and shapes come back as they went."""

import asyncio
import io

import numpy as np
import pytest
from client.fakes.fake_model import MODEL
from numpy.testing import assert_array_equal
from PIL import Image

from tfdeconv import errors
from tfdeconv.client import Client, connect, connect_async

PHOTO = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)


def enlarged(image: np.ndarray) -> np.ndarray:
    """Every pixel four times, by the Kronecker product."""
    return np.kron(image, np.ones((2, 2, 1), image.dtype))


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_come_back_as_integers(client: Client, dtype: type) -> None:
    """Every value of the type survives the way through floats."""
    image = PHOTO.astype(dtype) * (np.iinfo(dtype).max // 255)
    bigger = client.upscale(image)
    assert_array_equal(bigger, enlarged(image), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_come_back_as_float32(client: Client, dtype: type) -> None:
    """Unrounded."""
    image = (PHOTO / 255).astype(dtype)
    assert_array_equal(client.upscale(image), enlarged(image).astype(np.float32), strict=True)


def test_floats_may_overshoot_a_little(client: Client) -> None:
    """As filters make them; they are sent as they are."""
    image = np.float32([[[-0.4, 0.5, 1.4]]])
    assert_array_equal(client.upscale(image), enlarged(image), strict=True)


def test_batches_come_back_as_batches(client: Client) -> None:
    """[N, H, W, 3] in, [N, 2 H, 2 W, 3] out."""
    batch = np.stack([PHOTO, 255 - PHOTO])
    assert_array_equal(client.upscale(batch), np.stack([enlarged(PHOTO), enlarged(255 - PHOTO)]), strict=True)


def test_a_picture_object_is_an_array(client: Client) -> None:
    """Anything that NumPy takes."""
    assert_array_equal(client.upscale(Image.fromarray(PHOTO)), enlarged(PHOTO), strict=True)


def test_bytes_come_back_as_png(client: Client) -> None:
    """A PNG is decoded, enlarged and encoded by the server."""
    answer = client.upscale(encoded(PHOTO))
    assert isinstance(answer, bytes)
    picture = Image.open(io.BytesIO(answer))
    assert picture.format == "PNG"
    assert_array_equal(np.asarray(picture), enlarged(PHOTO))


def test_a_jpeg_is_taken(client: Client) -> None:
    """And comes back as a PNG of twice the size."""
    assert Image.open(io.BytesIO(client.upscale(encoded(PHOTO, "JPEG")))).size == (8, 10)


def test_the_model_is_called_upscaler_unless_said_otherwise(url: str) -> None:
    """connect() need not name it."""
    with connect(url) as client:
        assert client.upscale(PHOTO).shape == (10, 8, 3)
        with pytest.raises(errors.NotFoundError, match=r"Latest\(m\)"):
            client.upscale(PHOTO, model="m")


def test_awaiting(url: str) -> None:
    """The same."""

    async def main() -> np.ndarray:
        async with connect_async(url, model=MODEL) as client:
            return await client.upscale(PHOTO)

    assert_array_equal(asyncio.run(main()), enlarged(PHOTO), strict=True)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"image must be RGB, .*; received shape \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), r"image must be RGB, .*; received shape \[4, 4, 4\]"),
        (np.zeros((0, 0, 3), np.uint8), r"image must have at least one pixel; received shape \[0, 0, 3\]"),
        (np.zeros((1, 1, 3), np.int32), "image must be uint8, uint16 or float; received int32"),
        (np.full((1, 1, 3), 255.0), r"must lie in \[0, 1\]; received values from 255 to 255\. Divide by"),
        (np.full((1, 1, 3), np.nan), r"must lie in \[0, 1\]; received values from nan to nan"),
        (b"", "image must be a PNG or a JPEG; received no bytes"),
        (b"GIF89a....", "received 10 bytes that begin with b'GIF89a.."),
        ("photo.png", r"image must be RGB, .*; received shape \[\]"),
    ],
)
def test_what_is_no_picture(client: Client, image: object, message: str) -> None:
    """Is told before anything is sent."""
    with pytest.raises(errors.ImageError, match=message):
        client.upscale(image)


def test_a_truncated_png_is_refused_by_the_server(embedded_server) -> None:
    """As a bad request, over both protocols."""
    for url in (embedded_server.grpc_url, embedded_server.rest_url):
        with connect(url) as client, pytest.raises(errors.InvalidRequestError, match="PNG"):
            client.upscale(encoded(PHOTO)[:40])
