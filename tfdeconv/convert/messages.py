"""How messages name what they are about."""

from __future__ import annotations


def joined(subject: str, message: str) -> str:
    """Return a message about ``subject``; one that begins with its verb follows it in a sentence.

    Example:
        >>> joined("Node 'x'", "has mode='cubic'."), joined("Node 'x'", "Sizes are unknown.")
        ("Node 'x' has mode='cubic'.", "Node 'x': Sizes are unknown.")
    """
    return f"{subject} {message}" if message[:1].islower() else f"{subject}: {message}"
