"""What a request's encoded images declare together, before one of them is decoded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tfdeconv.errors import InvalidRequestError
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
