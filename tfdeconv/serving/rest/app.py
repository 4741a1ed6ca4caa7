"""The REST API of a runtime as an ASGI application."""

from __future__ import annotations

from concurrent.futures import Executor

from starlette.applications import Starlette

from tfdeconv.serving.rest.api import RestApi
from tfdeconv.serving.rest.application import application
from tfdeconv.serving.runtime import Runtime


def rest_app(runtime: Runtime, *, executor: Executor | None = None) -> Starlette:
    """Return an ASGI application that answers TensorFlow Serving's REST API, for any ASGI server.

    Beside ``/v1/`` it has ``/healthz``, ``/readyz``, ``/modelz`` and, where the runtime's options ask for
    them, the page for Prometheus and the one for pictures. Limits, timeout and CORS are the options' as well.

    Args:
        runtime: Answers what the requests ask; started and closed by the caller.
        executor: Where requests run. Defaults to ``rest_api_num_threads`` threads, which end with the
            server's lifespan.

    Raises:
        InvalidRequestError: The monitoring configuration cannot be read.

    Example:
        >>> import tempfile
        >>> from tfdeconv.serving import Runtime, ServerOptions
        >>> runtime = Runtime(ServerOptions(model_base_path=tempfile.mkdtemp()))
        >>> [route.path for route in rest_app(runtime).routes]
        ['/healthz', '/readyz', '/modelz']
        >>> runtime.close()
        True
    """
    answer, metrics = RestApi(runtime).answer, runtime.telemetry.metrics.text
    return application(
        runtime.options, answer=answer, models=runtime.repository, metrics=metrics, executor=executor
    )
