"""A small picture for the tests of `tfdeconv upscale`."""

import numpy as np

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
