"""BatchingParameters: read, completed with TensorFlow Serving's defaults, and checked."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Self

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.config import operator_protos


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BatchingParameters:
    """How requests are put together.

    Attributes:
        max_batch_size: Most rows of a batch, and of one request. Defaults to 1000.
        batch_timeout_micros: Longest wait of a row for company. Defaults to 0.
        max_enqueued_batches: Batches that may wait; a request beyond them is refused. Defaults to 10.
        num_batch_threads: Batches run at the same time. Defaults to the number of CPUs.
        thread_pool_name: Name of those threads' pool. Defaults to ``"batch_threads"``.
        allowed_batch_sizes: Sizes to which batches are padded, increasing. Defaults to any.
        pad_variable_length_inputs: Whether inputs of different sizes are padded to the largest.
            Defaults to False.
        enable_large_batch_splitting: Whether a request may be spread over several batches.
            Defaults to False.
        max_execution_batch_size: Most rows run at once when splitting. Defaults to ``max_batch_size``.

    Raises:
        InvalidRequestError: The values contradict one another.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = dataclasses.field(default_factory=lambda: os.cpu_count() or 1)
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise InvalidRequestError(f"{name} must be positive; was {getattr(self, name)}")
        if self.batch_timeout_micros < 0:
            raise InvalidRequestError(
                f"batch_timeout_micros must be non-negative; was {self.batch_timeout_micros}"
            )
        if self.max_execution_batch_size > self.max_batch_size or self.max_execution_batch_size < 0:
            raise InvalidRequestError(
                f"max_batch_size should be greater than or equal to max_execution_batch_size; they are "
                f"{self.max_batch_size} and {self.max_execution_batch_size}"
            )
        sizes = self.allowed_batch_sizes
        if list(sizes) != sorted(set(sizes)) or any(size < 1 for size in sizes):
            raise InvalidRequestError(
                f"allowed_batch_sizes entries must be in increasing order; received {list(sizes)}"
            )
        if sizes and sizes[-1] != self.execution_size:
            limit = "max_execution_batch_size" if self.enable_large_batch_splitting else "max_batch_size"
            raise InvalidRequestError(
                f"Last entry in allowed_batch_sizes must match {limit}; last entry was {sizes[-1]}; "
                f"expected {self.execution_size}"
            )

    @property
    def execution_size(self) -> int:
        """Most rows that run at once."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size:
            return self.max_execution_batch_size
        return self.max_batch_size

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Return the parameters of a text file.

        Raises:
            InvalidRequestError: The file cannot be read, or its values contradict one another.
        """
        return cls.from_message(operator_protos.read(operator_protos.BatchingParameters, path))

    @classmethod
    def from_message(cls, message: Any) -> Self:
        """Return the parameters of a ``BatchingParameters`` message; what it leaves out is the default."""
        values: dict[str, Any] = {}
        for field, value in message.ListFields():
            if field.is_repeated:
                values[field.name] = tuple(value)
            else:
                values[field.name] = value.value if field.message_type else value
        return cls(**values)
