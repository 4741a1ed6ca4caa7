"""What a loaded model can do, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:  # who keeps models need not import TensorFlow
    from tensorflow.core.protobuf import meta_graph_pb2

    from tfdeconv.serving.models.saved_model_proto import Signature


class Model(Protocol):
    """A loaded SavedModel or TensorFlow Lite model, batched or not."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """Signatures by name."""

    @property
    def signature_defs(self) -> Mapping[str, meta_graph_pb2.SignatureDef]:
        """Their messages by name."""

    def run(
        self, feeds: Mapping[str, np.ndarray[Any, Any]], fetches: Sequence[str]
    ) -> list[np.ndarray[Any, Any]]:
        """Return the values of graph tensors."""

    def check_feeds(self, feeds: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Refuse what ``run`` would refuse before it computes."""

    def least_answer_bytes(self, feeds: Mapping[str, np.ndarray[Any, Any]], fetches: Sequence[str]) -> int:
        """Return what the values of ``run`` take at least, by their shapes; 0 if not known."""

    def close(self) -> None:
        """Release it."""
