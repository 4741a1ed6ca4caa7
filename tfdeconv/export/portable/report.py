"""What :func:`tfdeconv.export_portable` wrote and found, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PortableReport:
    """The result of an export; ``str(report)`` is a summary.

    Attributes:
        path: The file; OpenVINO's weights lie beside it, ending in .bin.
        format: "onnx", "litert" or "openvino".
        precision: "float32", "float16" or "int8".
        max_error: Largest absolute difference between the file's outputs in its runtime and the model's.
        output_scale: Largest absolute output of the model, for the output that differed most.
        error: What was held against the tolerance: ``max_error / output_scale``; for "int8" the root mean
            square of the differences over that of the outputs.
        psnr_db: Peak signal-to-noise ratio of the file's outputs against the model's, in dB; infinity
            where they are equal.
        shapes: Shapes of the inputs, with the batch, that the file was run with.
        empty_batch: Whether the file took a batch of no sample; None where its format has none.
        operations: Operation -> how often the file holds it.
        bytes: Size of the file, weights included.
        rewritten: Name of a layer -> what it became.
    """

    path: Path
    format: str
    precision: str
    max_error: float
    output_scale: float
    error: float
    psnr_db: float
    shapes: tuple[tuple[tuple[int, ...], ...], ...]
    empty_batch: bool | None
    operations: Mapping[str, int]
    bytes: int
    rewritten: Mapping[str, str]

    def __str__(self) -> str:
        width = max(map(len, self.rewritten), default=0)
        lines = [f"{name:{width}}  {what}" for name, what in self.rewritten.items()]
        counts = sorted(self.operations.items(), key=lambda item: (-item[1], item[0]))
        lines.append("Operations: " + ", ".join(f"{count} {name}" for name, count in counts))
        shapes = "; ".join(" and ".join("x".join(map(str, shape)) for shape in run) for run in self.shapes)
        empty = {None: "not allowed by the format", True: "works", False: "refused by the runtime"}
        lines.append(f"Run with {shapes}; an empty batch: {empty[self.empty_batch]}.")
        lines.append(
            f"Largest difference {self.max_error:.2g} of outputs up to {self.output_scale:.2g} "
            f"({self.psnr_db:.1f} dB)."
        )
        lines.append(f"{self.path}: {self.format}, {self.precision}, {self.bytes / 1e3:,.1f} kB")
        return "\n".join(lines)
