"""One table of codes, the same as gRPC's and TensorFlow's."""

import grpc
import pytest
from tensorflow.python.framework import errors_impl  # the table has no public name

from tfdeconv import errors
from tfdeconv.wire import status_codes

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__base__ is not Exception]


def test_numbers_are_those_of_grpc() -> None:
    """Each name has the number that travels."""
    assert {code.name: code.value[0] for code in grpc.StatusCode} == status_codes.NUMBERS


@pytest.mark.parametrize("number", range(1, 17))
def test_numbers_are_those_of_tensorflow(number: int) -> None:
    """An exception of TensorFlow becomes the error of the same name."""
    theirs = errors_impl.exception_type_from_error_code(number).__name__
    ours = type(status_codes.error_of(number, "x")).__name__
    same = {"InvalidArgumentError": "InvalidRequestError", "UnknownError": "InternalError"}
    assert ours == {**same, "DataLossError": "InternalError"}.get(theirs, theirs)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, errors.ServingError)])
def test_a_code_leads_back_to_its_error(kind: type[errors.ServingError]) -> None:
    """Over gRPC a client raises what the server meant; over HTTP at least a base class of it.

    That a server cannot be reached is what a client finds out; no server tells it.
    """
    code = status_codes.code_of(kind("x"))
    told = {errors.UnreachableError: errors.UnavailableError}.get(kind, kind)
    assert isinstance(status_codes.error_of(code, "x"), errors.InternalError if code == "INTERNAL" else told)
    folded = {"OUT_OF_RANGE": "INVALID_ARGUMENT", "FAILED_PRECONDITION": "INVALID_ARGUMENT"}
    folded["ALREADY_EXISTS"] = "ABORTED"
    assert status_codes.code_of_http(status_codes.http_status(code)) == folded.get(code, code)
