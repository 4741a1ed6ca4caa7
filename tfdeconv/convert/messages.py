"""How messages name what they are about."""

from __future__ import annotations

import re


def joined(subject: str, message: str) -> str:
    """Return a message about ``subject``; one that begins with its verb follows it in a sentence.

    Example:
        >>> joined("Node 'x'", "has mode='cubic'."), joined("Node 'x'", "Sizes are unknown.")
        ("Node 'x' has mode='cubic'.", "Node 'x': Sizes are unknown.")
    """
    return f"{subject} {message}" if message[:1].islower() else f"{subject}: {message}"


def one_line(error: Exception) -> str:
    """Return what another library's error says, without what Keras puts around it.

    Example:
        >>> one_line(ValueError("Exception encountered when calling Dense.call(). Too   long."))
        'ValueError: Too long.'
    """
    text = re.sub(r"\x1b\[\d*m", "", str(error)).partition("\n\nArguments received by")[0]
    text = re.sub(r"^Exception encountered when calling [\w.]+\(\)\.\s*", "", text)
    return f"{type(error).__name__}: {' '.join(text.split())}"
