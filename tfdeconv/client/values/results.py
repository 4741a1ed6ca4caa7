"""What a server tells of its models: signatures, tensor specs, version states, classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tfdeconv.errors import FailedPreconditionError


class ModelRef(NamedTuple):
    """Which model a request is for: a name and at most one of version and label.

    Without either the server answers with its newest version.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class TensorSpec:
    """What one input or output of a signature is.

    Attributes:
        dtype: TensorFlow's name of the element type, e.g. ``"float32"`` or ``"string"``.
        shape: One entry per axis, ``None`` where any size is accepted; ``None`` in place of the
            tuple where even the rank is free.
        optional: A request may leave this input out: the signature holds a default.

    Example:
        >>> print(TensorSpec("float32", (None, None, None, 3)))
        float32 [?, ?, ?, 3]
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    optional: bool = False

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype} [...]"
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} [{sizes}]"


@dataclass(frozen=True)
class Signature:
    """One entry point of a model.

    Attributes:
        inputs: Input name to what it takes.
        outputs: Output name to what it gives.
        method: TensorFlow Serving's method name, usually ``"tensorflow/serving/predict"``.

    Example:
        >>> signature = Signature({"x": TensorSpec("float32", (None,))}, {"y": TensorSpec("string", ())})
        >>> print(signature)
        (x: float32 [?]) -> (y: string [])
    """

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    method: str = ""

    def __str__(self) -> str:
        return f"({spec_list(self.inputs)}) -> ({spec_list(self.outputs)})"


@dataclass(frozen=True)
class Metadata:
    """What one loaded version of a model offers.

    Attributes:
        model: Name of the model.
        version: The version that the server resolved the request to.
        signatures: Signature name to signature, sorted by name.
    """

    model: str
    version: int
    signatures: Mapping[str, Signature]

    @classmethod
    def of(cls, model: str, version: int, signatures: Mapping[str, Signature]) -> Metadata:
        """Return the metadata without the initialiser that TensorFlow lists among the signatures."""
        public = {k: v for k, v in sorted(signatures.items()) if not k.startswith("__saved_model")}
        return cls(model, version, public)

    def signature(self, name: str) -> Signature:
        """Return a signature by its name.

        Raises:
            FailedPreconditionError: The model has no such signature; the message lists those it has.
        """
        try:
            return self.signatures[name]
        except KeyError:
            raise FailedPreconditionError(
                f"Model {self.model!r} (version {self.version}) has no signature {name!r}; "
                f"it has: {', '.join(self.signatures) or 'none'}."
            ) from None


@dataclass(frozen=True)
class VersionStatus:
    """State of one version of a model.

    Attributes:
        version: The version number.
        state: ``"START"``, ``"LOADING"``, ``"AVAILABLE"``, ``"UNLOADING"``, ``"END"`` or ``"UNKNOWN"``.
        error_code: ``"OK"``, or the name of the status code that loading ended with.
        error_message: Why loading failed; empty where it did not.

    Example:
        >>> print(VersionStatus(2, "END", "INTERNAL", "out of memory"))
        version 2 is END (INTERNAL: out of memory)
    """

    version: int
    state: str
    error_code: str = "OK"
    error_message: str = ""

    def __str__(self) -> str:
        return f"version {self.version} is {self.state}" + (f" ({self.error})" if self.error else "")

    @property
    def error(self) -> str:
        """Code and message of the error in one line; empty where there is none."""
        return "" if self.error_code == "OK" else f"{self.error_code}: {self.error_message}".rstrip(": ")


class Classification(NamedTuple):
    """One class of an example.

    Attributes:
        label: Name of the class; empty where the model gives none.
        score: The model's score for it.
    """

    label: str
    score: float


def spec_list(specs: Mapping[str, TensorSpec]) -> str:
    """Return ``"image: float32 [?, ?, ?, 3]"`` for messages and listings."""
    return ", ".join(
        f"{name}: {spec}{' (optional)' if spec.optional else ''}" for name, spec in sorted(specs.items())
    )
