"""What :func:`tfdeconv.optimize` did and measured, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfdeconv.inference.measure import NOISE

AS_IT_IS = "as it is"
"""Name of the candidate that is the layer itself."""


@dataclass(frozen=True)
class LayerReport:
    """One rewritten layer.

    Attributes:
        name: Name of the layer in the original model; ``outer/inner`` in a nested model.
        rewrite: What was done, in words.
        lowering: The lowering that was chosen, or None where there is none to choose.
        milliseconds: Measured time of each candidate; empty where nothing was measured.
    """

    name: str
    rewrite: str
    lowering: str | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def fastest(self) -> bool:
        """Whether no candidate was faster than the chosen one; True where nothing was measured."""
        if not self.milliseconds:
            return True
        return self.milliseconds[self.lowering or AS_IT_IS] == min(self.milliseconds.values())


@dataclass(frozen=True)
class Report:
    """The result of an optimization; ``str(report)`` is a table.

    Attributes:
        layers: The rewritten layers, in order.
        max_error: Largest absolute difference between the two models' outputs on a random input.
        output_scale: Largest absolute output on that input.
        before_ms: Time of the original model, in milliseconds.
        after_ms: Time of the optimized model.
        precision: What its convolutions compute in, where they may: "float32" or "bfloat16".
        float32_ms: Time of the optimized model in float32; None where not measured.
    """

    layers: tuple[LayerReport, ...]
    max_error: float
    output_scale: float
    before_ms: float
    after_ms: float
    precision: str = "float32"
    float32_ms: float | None = None

    def __str__(self) -> str:
        rows = [("layer", "rewrite", "candidates (ms)")]
        for layer in self.layers:
            # fastest first; those that print alike stay in the order in which they were tried
            timed = [(name, f"{ms:.3g}") for name, ms in layer.milliseconds.items()]
            timed.sort(key=lambda item: float(item[1]))
            rows.append((layer.name, layer.rewrite, ", ".join(f"{name} {ms}" for name, ms in timed)))
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        lines = [f"{name:{widths[0]}}  {what:{widths[1]}}  {timed}".rstrip() for name, what, timed in rows]
        if not self.layers:
            lines = ["Nothing to rewrite."]
        if not all(layer.fastest for layer in self.layers):
            lines.append(f"Within {NOISE - 1:.0%} of the fastest, the simpler form is kept.")
        lines.append(
            f"{self.before_ms:.3g} ms -> {self.after_ms:.3g} ms ({self.before_ms / self.after_ms:.2f}x), "
            f"largest difference {self.max_error:.2g} of outputs up to {self.output_scale:.2g}"
        )
        if self.precision != "float32" and self.float32_ms is not None:
            lines.append(self._worth(self.float32_ms / self.after_ms))
        return "\n".join(lines)

    def _worth(self, gain: float) -> str:
        """What the reduced precision brings."""
        if not any(layer.rewrite.endswith(self.precision) for layer in self.layers):
            return f"No layer computes in {self.precision}."
        verdict = "as fast" if gain >= 1 else "as fast: it does not pay here"
        return (
            f"optimized in float32 {self.float32_ms:.3g} ms; {self.precision} is {gain:.2f} times {verdict}"
        )
