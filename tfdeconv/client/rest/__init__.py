"""REST: HTTP and TensorFlow Serving's JSON. The only modules behind it are NumPy and httpx."""

from tfdeconv.client.rest.dialect import RestDialect as Dialect
from tfdeconv.client.rest.transport import AsyncTransport, Transport

__all__ = ["AsyncTransport", "Dialect", "Transport"]
