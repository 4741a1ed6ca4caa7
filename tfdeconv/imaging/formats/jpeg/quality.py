"""How strongly a JPEG file was compressed, read from its quantization tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Table K.1 of the JPEG standard (ITU-T T.81): what encoders scale by the quality that they are asked for.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)

_LARGEST_STEP = 255


def jpeg_quality(tables: Mapping[int, Sequence[int]]) -> float | None:
    """Return the quality that a JPEG file was saved with, on the scale of the Independent JPEG Group.

    Encoders with tables of their own are placed where their luminance table, summed, would be on that scale.

    Args:
        tables: Steps of quantization ``[64]`` by number of the table, as Pillow's ``quantization`` has them;
            number 0 is for luminance.

    Returns:
        1 to 100; None where the luminance has no table.

    Example:
        >>> jpeg_quality({0: [1] * 64}) > 99
        True

    References:
        ITU-T T.81, annex K; ``jpeg_quality_scaling`` of libjpeg.
    """
    if len(tables.get(0, ())) != len(_LUMINANCE):
        return None
    # Steps end at 255 however low the quality is, and those that do say nothing of it.
    known = [pair for pair in zip(tables[0], _LUMINANCE, strict=True) if pair[0] < _LARGEST_STEP]
    if not known:
        return 1.0
    percent = 100.0 * sum(step for step, _ in known) / sum(standard for _, standard in known)
    return max(1.0, min(100.0, 100.0 - percent / 2 if percent <= 100.0 else 5000.0 / percent))
