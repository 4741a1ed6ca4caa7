"""The embedded server refuses alike over both protocols: the class of the exception is the same."""

from collections.abc import Callable

import numpy as np
import pytest
from client.fakes.fake_model import MODEL

from tfdeconv import errors
from tfdeconv.client import Client, connect
from tfdeconv.serving import Server

IMAGE = np.zeros((1, 2, 2, 3), np.float32)
UNEQUAL = {"count": [1, 2], "scale": [1, 2, 3]}
NOT_A_NUMBER = {"age": "old", "weight": 1.0}

Invalid, NotFound = errors.InvalidRequestError, errors.NotFoundError


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda client: client.predict(IMAGE[0]), Invalid, r"shapes sent: image \[2, 2, 3\]"),
        (lambda client: client.predict(IMAGE, version=9), NotFound, r"Specific\(upscaler, 9\)"),
        (lambda client: client.predict(IMAGE, version=0), NotFound, r"Specific\(upscaler, 0\)"),
        (lambda client: client.predict(IMAGE, label="x"), Invalid, "Unrecognized servable version label: x"),
        (lambda client: client.predict(IMAGE, model="m"), NotFound, r"Latest\(m\)"),
        (lambda client: client.predict(UNEQUAL, signature="mixed"), Invalid, "Incompatible shapes"),
        (lambda client: client.metadata(model="m"), NotFound, r"Latest\(m\)"),
        (lambda client: client.status(model="m"), NotFound, "Could not find any versions of model m"),
        (lambda client: client.status(version=9), NotFound, "Could not find version 9 of model upscaler"),
        (lambda client: client.classify([{"age": 1}], signature="x"), Invalid, "x"),
        (lambda client: client.regress([{"age": 1}], signature="regress"), Invalid, "weight"),
        (lambda client: client.classify([NOT_A_NUMBER], signature="classify"), Invalid, "age"),
    ],
)
def test_the_same_class_over_both_protocols(
    embedded_server: Server, ask: Callable[[Client], object], error: type[Exception], message: str
) -> None:
    """And the part of the message that says what is wrong."""
    for url in (embedded_server.grpc_url, embedded_server.rest_url):
        with connect(url, model=MODEL) as client, pytest.raises(errors.ServingError, match=message) as caught:
            ask(client)
        assert type(caught.value) is error, url
