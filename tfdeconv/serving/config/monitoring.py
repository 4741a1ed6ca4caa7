"""Whether and where a server shows its metrics."""

from __future__ import annotations

import dataclasses
import os
from typing import Self

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.config import operator_protos

PATH = "/monitoring/prometheus/metrics"


@dataclasses.dataclass(frozen=True, slots=True)
class Monitoring:
    """The page for Prometheus.

    Attributes:
        enable: Whether there is one. Defaults to False.
        path: Where. Defaults to TensorFlow Serving's path.
    """

    enable: bool = False
    path: str = PATH

    @classmethod
    def read(cls, file: str | os.PathLike[str]) -> Self:
        """Return what a text file of a MonitoringConfig asks for; the defaults where ``file`` is empty.

        Raises:
            InvalidRequestError: The file cannot be read, or its path is none.
        """
        if not os.fspath(file):
            return cls()
        config = operator_protos.read(
            operator_protos.MonitoringConfig, file, option="monitoring_config_file"
        ).prometheus_config
        if config.path and (not config.path.startswith("/") or set(config.path) & set("{}?#")):
            raise InvalidRequestError(
                f"prometheus_config.path must be a plain path that begins with '/'; received {config.path!r} "
                f"in '{os.fspath(file)}'."
            )
        return cls(config.enable, config.path or PATH)
