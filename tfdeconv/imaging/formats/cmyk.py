"""CMYK pixels as sRGB."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.extras import require
from tfdeconv.imaging.formats.metadata.icc import misfit


def cmyk_to_srgb(image: Any, icc_profile: bytes | None) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the RGB pixels of a Pillow image in CMYK, through its profile where it has one, and notes.

    Example:
        >>> from PIL import Image
        >>> cmyk_to_srgb(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), None)[0].tolist()
        [[[255, 0, 0]]]
    """
    if icc_profile is None:
        return np.asarray(image.convert("RGB")), ()
    cms = require("PIL.ImageCms", extra="image", feature="Reading CMYK pictures")
    other = misfit(icc_profile, colours=4)
    if other is None:
        try:
            srgb = cms.createProfile("sRGB")
            profile = io.BytesIO(icc_profile)
            return np.asarray(cms.profileToProfile(image, profile, srgb, outputMode="RGB")), ()
        except cms.PyCMSError:
            other = "CMYK that cannot be used"
    note = f"has an ICC profile for {other}, which does not fit its CMYK pixels; it is left out"
    return np.asarray(image.convert("RGB")), (note,)
