"""Which model, version and signature a request is for."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class ModelSpec:
    """A request's choice of model; the answer's carries what was chosen.

    Attributes:
        name: The model's name; empty means that the request has none.
        version: An exact version, or None for the newest available one.
        version_label: A label of the model's configuration in place of a version, or None.
        signature_name: A signature, or empty for ``serving_default``.
    """

    name: str
    version: int | None = None
    version_label: str | None = None
    signature_name: str = ""
