"""Luma of ITU-R BT.601 on the limited range: black is 16 / 255, white 235 / 255."""

LUMA_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""Luma of full red, green and blue above black, for RGB and luma in [0, 1]; MATLAB's ``rgb2ycbcr``."""

BLACK = 16 / 255

GREY_PER_LUMA = 255 / 219
"""What one unit of luma adds to each of red, green and blue when chroma stays."""
