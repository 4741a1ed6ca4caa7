"""What several tests of photographs in files need."""

import pytest
from PIL import ImageCms


@pytest.fixture(scope="session")
def icc() -> bytes:
    """An ICC profile for RGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
