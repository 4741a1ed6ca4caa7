"""What several tests of photographs in files need."""

import pytest
from imaging.pictures import gamma, made_profile
from PIL import ImageCms


@pytest.fixture(scope="session")
def icc() -> bytes:
    """An ICC profile for RGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="session")
def grey_icc() -> bytes:
    """An ICC profile for grey."""
    return made_profile(b"GRAY", gamma(1.8))
