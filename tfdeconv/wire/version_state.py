"""Where a version of a model is in its life."""

from __future__ import annotations

import enum


class VersionState(enum.IntEnum):
    """States of ``ModelVersionStatus.State`` in ``get_model_status.proto``, with its numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50
