"""A server that speaks Google Cloud Storage's protocol."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def google_store(*buckets: str) -> Iterator[Any]:
    """Yield gcsfs's file system of a new store; ``gs://`` means it for as long.

    Credentials are none, and the libraries of Google's newer kinds of buckets, which are asked over gRPC, are
    left out: the server has no such.
    """
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # read when gcsfs is imported
        core = pytest.importorskip("gcsfs.core", reason="needs the extra gs")
        fsspec = pytest.importorskip("fsspec")
        server = emulator.create_server("127.0.0.1", 0, in_memory=True)
        server.start()
        host, port = server._api._httpd.server_address
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
        for protocol in ("gs", "gcs"):
            patch.setitem(fsspec.config.conf, protocol, {"token": "anon"})
        core.GCSFileSystem.clear_instance_cache()
        try:
            files = core.GCSFileSystem(token="anon", use_listings_cache=False, skip_instance_cache=True)
            for bucket in buckets:
                files.mkdir(bucket)
            yield files
        finally:
            core.GCSFileSystem.clear_instance_cache()
            server.stop()
