"""What the server counts, times and logs."""

from tfdeconv.serving.telemetry.telemetry import RequestRecord, Telemetry

__all__ = ["RequestRecord", "Telemetry"]
