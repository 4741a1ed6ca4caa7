"""A server that speaks S3's protocol."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def s3_store(*buckets: str) -> Iterator[Any]:
    """Run a server with empty buckets, which this process finds by its environment; yield its file system."""
    moto = pytest.importorskip("moto.server", reason="needs moto and flask")
    s3fs = pytest.importorskip("s3fs", reason="needs the extra s3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            s3fs.S3FileSystem.clear_instance_cache()
            files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
            for bucket in buckets:
                files.mkdir(bucket)
            yield files
            s3fs.S3FileSystem.clear_instance_cache()
    finally:
        server.stop()
