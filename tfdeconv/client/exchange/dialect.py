"""What a protocol has to provide: requests built, answers read, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from tfdeconv.client.exchange.flow import Call
from tfdeconv.client.values.examples import Feature
from tfdeconv.client.values.results import Classification, Metadata, ModelRef, Signature, VersionStatus


class Dialect(Protocol):
    """TensorFlow Serving's operations in one of its protocols."""

    def predict(
        self,
        ref: ModelRef,
        name: str,
        signature: Signature,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
    ) -> Call[dict[str, NDArray[Any]]]:
        """Run the signature ``name`` and read ``outputs``; inputs have their signature's types."""

    def classify(
        self, ref: ModelRef, name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
    ) -> Call[list[list[Classification]]]:
        """Classify each example."""

    def regress(
        self, ref: ModelRef, name: str, examples: list[dict[str, Feature]], context: dict[str, Feature] | None
    ) -> Call[NDArray[Any]]:
        """Regress one float32 per example."""

    def metadata(self, ref: ModelRef) -> Call[Metadata]:
        """Ask for the signatures."""

    def status(self, ref: ModelRef) -> Call[list[VersionStatus]]:
        """Ask for the states of the versions."""

    def reload(self, config: str) -> Call[None]:
        """Replace the list of served models by one in the text format of ``--model_config_file``."""
