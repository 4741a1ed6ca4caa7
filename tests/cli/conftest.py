"""The servers that commands talk to are those of the tests of client and server."""

from client.conftest import (  # noqa: F401
    embedded_server,
    failures,
    fake_url,
    fake_urls,
    model_folder,
    shared_failures,
    url,
)
from serving.conftest import _allocator_as_it_is, toy_folder  # noqa: F401
