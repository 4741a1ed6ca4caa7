"""Both protocols give the same arrays, types and exceptions."""

import asyncio
import math

import numpy as np
import pytest
from client.fakes.fake_model import MODEL, Failures
from numpy.testing import assert_array_equal

from tfdeconv import errors
from tfdeconv.client import Client, connect, connect_async
from tfdeconv.serving import Server

IMAGE = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)


def enlarged(image: np.ndarray) -> np.ndarray:
    """Nearest-neighbour by 2, with loops."""
    out = np.empty((len(image), 2 * image.shape[1], 2 * image.shape[2], 3), image.dtype)
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            out[:, y, x] = image[:, y // 2, x // 2]
    return out


def assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    """Values, shape and type are equal."""
    assert actual.dtype == expected.dtype
    assert_array_equal(actual, expected, strict=True)


def test_float_images_come_back_exactly(client: Client) -> None:
    """A float32 tensor arrives bit by bit, over JSON too."""
    outputs = client.predict({"image": IMAGE})
    assert list(outputs) == ["upscaled"]
    assert_same(outputs["upscaled"], enlarged(IMAGE))


def test_a_lone_input_needs_no_name(client: Client) -> None:
    """The metadata names it."""
    assert_same(client.predict(IMAGE)["upscaled"], enlarged(IMAGE))


@pytest.mark.parametrize(
    "values", [IMAGE.astype(float), IMAGE.astype(">f4"), IMAGE.tolist(), IMAGE[:, ::-1][:, ::-1]]
)
def test_values_become_the_type_of_the_signature(client: Client, values: object) -> None:
    """Wider floats, other byte orders, lists and strided arrays are converted."""
    assert_same(client.predict(values)["upscaled"], enlarged(IMAGE))


def test_not_a_number_and_infinities_survive(client: Client) -> None:
    """JSON of TensorFlow Serving has words for them."""
    image = np.array([np.nan, np.inf, -np.inf], np.float32).reshape(1, 1, 1, 3)
    assert_same(client.predict(image)["upscaled"], np.broadcast_to(image, (1, 2, 2, 3)))


def test_several_inputs_and_outputs(client: Client) -> None:
    """Integers stay integers, a scalar stays a scalar, 64 bits are kept."""
    count = [2**53 + 1, -3]
    outputs = client.predict({"count": count, "scale": [1, 0.5]}, signature="mixed")
    assert_same(outputs["total"], np.array(sum(count)))
    assert_same(outputs["product"], np.array([2**53, -1.5], np.float32))


def test_outputs_can_be_chosen(client: Client) -> None:
    """Only those named come back."""
    outputs = client.predict({"count": [2], "scale": [1]}, signature="mixed", outputs=["total"])
    assert list(outputs) == ["total"]


def test_strings_are_bytes_of_any_kind(client: Client) -> None:
    """Text becomes UTF-8; zeros and empty strings are kept."""
    texts = [["pérch", b"a\0"], ["", b"x"]]
    outputs = client.predict(texts, signature="text")
    expected = np.array([["pérch".encode(), b"a\0"], [b"", b"x"]], object)
    assert_same(outputs["copy"], expected)
    assert_same(outputs["copy_bytes"], expected)


def test_an_array_of_text(client: Client) -> None:
    """NumPy's own text arrays are taken."""
    outputs = client.predict(np.array([["ab", "c"]]), signature="text")
    assert_same(outputs["copy"], np.array([[b"ab", b"c"]], object))


def test_half_floats_go_over_grpc_and_are_refused_over_rest(client: Client, url: str) -> None:
    """JSON has no form for them in TensorFlow Serving."""
    half = np.array([0.5, -2], np.float16)
    if url.startswith("grpc"):
        assert_same(client.predict(half, signature="half")["y"], half)
    else:
        with pytest.raises(
            errors.UnimplementedError, match="'x' is float16, which REST cannot carry; connect"
        ):
            client.predict(half, signature="half")


def test_metadata_is_asked_for_once(fake_client: Client, failures: Failures) -> None:
    """Two predictions make three requests; a refresh makes another."""
    fake_client.predict(IMAGE)
    fake_client.predict(IMAGE)
    assert len(failures.seen) == 3
    fake_client.metadata()
    assert len(failures.seen) == 3
    fake_client.metadata(refresh=True)
    assert len(failures.seen) == 4


def test_signatures_that_changed_are_read_again(fake_client: Client, failures: Failures) -> None:
    """A version loaded later may have others than the ones remembered."""
    failures.hidden.add("mixed")
    fake_client.metadata()
    failures.hidden.clear()
    assert fake_client.predict({"count": [2], "scale": [1]}, signature="mixed")["total"] == 2
    assert len(failures.seen) == 3


def test_metadata_lists_signatures(client: Client) -> None:
    """Inputs, outputs, types and shapes, without TensorFlow's initialiser."""
    metadata = client.metadata()
    assert (metadata.model, metadata.version) == (MODEL, 3)
    expected = ["half", "mixed", "serve_image_bytes", "serving_default", "text"]
    assert [name for name in metadata.signatures if name not in ("classify", "regress")] == expected
    mixed = metadata.signatures["mixed"]
    assert str(mixed) == "(count: int64 [?], scale: float32 [?]) -> (product: float32 [?], total: int64 [])"
    assert mixed.method == "tensorflow/serving/predict"


def test_status_is_newest_first(fake_client: Client) -> None:
    """Versions with state and, where loading failed, why."""
    newest, ended = fake_client.status()
    assert (newest.version, newest.state, newest.error_code) == (3, "AVAILABLE", "OK")
    assert (ended.version, ended.state) == (2, "END")
    assert (ended.error_code, ended.error_message) == ("INTERNAL", "out of memory")


def test_status_of_a_version(client: Client) -> None:
    """One entry, if the server has it."""
    assert client.status(version=3)[0].state == "AVAILABLE"


def test_wait_until_ready_returns_the_available_version(fake_client: Client, failures: Failures) -> None:
    """A server that is not up yet is waited for."""
    failures.script.extend([("UNAVAILABLE", "starting")] * 6)
    assert fake_client.wait_until_ready(timeout=60).version == 3


@pytest.mark.parametrize(
    ("inputs", "signature", "error", "message"),
    [
        (
            IMAGE,
            "nope",
            errors.FailedPreconditionError,
            r"Model 'upscaler' \(version 3\) has no signature 'nope'; it has: (classify, )?half, mixed, ",
        ),
        (
            {"picture": IMAGE},
            "serving_default",
            errors.InvalidRequestError,
            r"Signature 'serving_default' takes image: float32 \[\?, \?, \?, 3\]; missing: image; "
            r"not an input: 'picture'\.",
        ),
        (
            IMAGE,
            "mixed",
            errors.InvalidRequestError,
            r"Signature 'mixed' takes count: int64 \[\?\], scale: float32 \[\?\]; pass a dict",
        ),
        (
            {"count": [1.5], "scale": [1]},
            "mixed",
            errors.InvalidRequestError,
            r"Input 'count' takes int64 \[\?\]; received float64 \[1\]\.",
        ),
        (
            b"\x89PNG",
            "serving_default",
            errors.InvalidRequestError,
            r"Input 'image' takes float32 .*; received bytes of length 4\. To send encoded images",
        ),
        (
            [[1.0, 2.0], [3.0]],
            "serving_default",
            errors.InvalidRequestError,
            "Input 'image' takes float32 .*; received rows of different lengths",
        ),
        (
            [["a"], ["b", "c"]],
            "text",
            errors.InvalidRequestError,
            "Input 'text' takes string .*; received rows of different lengths",
        ),
        (
            [["a", 3]],
            "text",
            errors.InvalidRequestError,
            r"Input 'text' takes string \[\?, \?\]; received an element of type int\.",
        ),
        (7, "text", errors.InvalidRequestError, r"Input 'text' takes string \[\?, \?\]; received a int\."),
        (
            [1e300],
            "serving_default",
            errors.InvalidRequestError,
            r"Input 'image' takes float32 .*; received values from 1e\+300 to 1e\+300, which do not fit\.",
        ),
        (
            {"count": np.array([2**64 - 1], np.uint64), "scale": [1]},
            "mixed",
            errors.InvalidRequestError,
            r"Input 'count' takes int64 \[\?\]; received values from 18446744073709551615 .* do not fit",
        ),
    ],
)
def test_inputs_that_do_not_match_the_signature(
    client: Client, inputs: object, signature: str, error: type[Exception], message: str
) -> None:
    """The message says what the signature takes and what it got."""
    with pytest.raises(error, match=message):
        client.predict(inputs, signature=signature)


def test_unknown_outputs(client: Client) -> None:
    """The message lists those there are."""
    with pytest.raises(errors.InvalidRequestError, match=r"out of upscaled .*received 'bigger'"):
        client.predict(IMAGE, outputs=["bigger"])
    with pytest.raises(errors.InvalidRequestError, match="outputs must be distinct names"):
        client.predict(IMAGE, outputs=["upscaled", "upscaled"])


def test_an_unknown_model(client: Client) -> None:
    """The server's words, the same over both protocols."""
    with pytest.raises(errors.NotFoundError, match=r"^Servable not found for request: Latest\(m\)$"):
        client.predict(IMAGE, model="m")
    with pytest.raises(errors.NotFoundError, match=r"^Could not find any versions of model m$"):
        client.status(model="m")


def test_calls_need_a_model(url: str) -> None:
    """Given to connect() or to the call."""
    with connect(url) as client:
        with pytest.raises(errors.InvalidArgumentError, match="Which model"):
            client.predict(IMAGE)
        assert client.status(model=MODEL)


def test_an_awaiting_client_may_be_made_before_its_event_loop(url: str) -> None:
    """It binds to the loop of its first call."""
    client = connect_async(url, model=MODEL)

    async def main() -> int:
        async with client:
            return (await client.metadata()).version

    assert asyncio.run(main()) == 3


def test_a_client_that_is_never_used(url: str) -> None:
    """Closes as well."""
    connect(url).close()
    asyncio.run(connect_async(url).close())


def test_a_version_or_a_label(client: Client) -> None:
    """Not both."""
    with pytest.raises(errors.InvalidArgumentError, match="not both; received version=1, label='stable'"):
        client.predict(IMAGE, version=1, label="stable")


@pytest.mark.parametrize("timeout", [0, -1, math.nan])
def test_timeouts_are_positive(client: Client, timeout: float) -> None:
    """Infinity is the way to say no limit."""
    with pytest.raises(errors.InvalidArgumentError, match=r"timeout must be positive, or math.inf"):
        client.predict(IMAGE, timeout=timeout)


def test_no_limit(client: Client) -> None:
    """An infinite timeout is none."""
    assert client.predict(IMAGE, timeout=math.inf)


def test_a_closed_client(url: str) -> None:
    """Says so."""
    client = connect(url, model=MODEL)
    client.close()
    with pytest.raises(errors.FailedPreconditionError, match="This client is closed; open a new one"):
        client.status()


def test_large_messages_pass(fake_urls: dict[str, str], embedded_server: Server) -> None:
    """More than gRPC's usual 4 MB goes both ways."""
    image = np.zeros((1, 600, 600, 3), np.float32)
    for url in (fake_urls["grpc"], embedded_server.grpc_url):
        with connect(url, model=MODEL) as client:
            assert client.predict(image)["upscaled"].nbytes > 16e6


def test_awaiting_gives_the_same(url: str) -> None:
    """The awaiting client runs the same flows: predict, metadata, status, wait, predict_many, errors."""

    async def main() -> None:
        async with connect_async(url, model=MODEL, timeout=60) as client:
            outputs = await client.predict(IMAGE)
            assert_same(outputs["upscaled"], enlarged(IMAGE))
            assert (await client.metadata()).version == 3
            assert (await client.status())[0].state == "AVAILABLE"
            assert (await client.wait_until_ready()).version == 3
            with pytest.raises(errors.NotFoundError):
                await client.predict(IMAGE, model="m")
            many = [out["upscaled"] async for out in client.predict_many([IMAGE[:1], IMAGE[1:]])]
            assert_same(np.concatenate(many), enlarged(IMAGE))
        with pytest.raises(errors.FailedPreconditionError, match="closed"):
            await client.status()

    asyncio.run(main())
