"""``tfdeconv demo``: from the model to the answers of a served model, on a real photograph."""

from __future__ import annotations

import base64
import contextlib
import io
import shlex
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from tfdeconv.cli.messages import shown
from tfdeconv.cli.native_output import native_output_dropped
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import ExportError, ImageError, InternalError

PHOTO = Path(__file__).parents[1] / "demo_photo.jpg"
MODEL = "upscaler"
SCALE = 2
TILE = 512
ROUNDS = 5
TOLERANCE = 1 / 255


@click.command(
    epilog="""\b
Examples:
  tfdeconv demo
  tfdeconv demo --image photo.jpg --output demo/"""
)
@click.option(
    "--image",
    type=PATH,
    metavar="FILE",
    default=PHOTO,
    show_default="a photograph that comes with tfdeconv",
    help="Photograph to use. It is halved first, so that the result can be compared with it.",
)
@click.option(
    "--output",
    type=PATH,
    metavar="FOLDER",
    default=Path("build/demo"),
    show_default=True,
    help="Folder for the pictures and the SavedModel.",
)
def command(image: Path, output: Path) -> None:
    """Build the small x2 model, export it, serve it, and query it three ways.

    A photograph is halved and sent through the embedded server over gRPC (floats), REST (floats) and
    REST (PNG bytes). The answers must agree with one another and with the model itself. The pictures
    and the SavedModel are left in the output folder.
    """
    with _step("Reading the photograph"):
        original, halved = _read(image)
    with _step("Building the x2 upsampling model, trained weights included"):
        import_tensorflow()
        import tfdeconv as td

        model = td.zoo.RGBUpscaler(td.zoo.load_upscaler(SCALE, data_format="channels_last"), SCALE)
        expected = model(_to_float(halved))[0].numpy()
    with _step("Exporting it as a SavedModel"):
        base_path = output / "models" / MODEL
        _clear(base_path)
        version = td.export_saved_model(model, base_path, tile=TILE)
    with contextlib.ExitStack() as stack:
        with _step("Starting the embedded server"):
            server = stack.enter_context(td.serving.Server(model_base_path=base_path, model_name=MODEL))
        with _step(f"Asking it three ways, {ROUNDS} times each"):
            answers = _ask(server, halved)
    with _step("Comparing the answers"):
        differences = _compare(answers, expected)
    with _step("Drawing the pictures"):
        _draw(output, original, halved, expected)
    click.echo(f"\n{_table(answers, differences)}\n")
    click.echo(f"Quality     {_quality(original, halved, expected)}")
    click.echo(f"Pictures    {shown(output)}/: input.png, upscaled.png, comparison.png")
    click.echo(f"SavedModel  {shown(version)}")
    click.echo(f"Serve it    tfdeconv serve --port=8500 --rest_api_port=8501 --model_name={MODEL} \\")
    click.echo(f"                --model_base_path={shlex.quote(str(base_path.resolve()))}")


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is going on, and how long it took."""
    click.echo(f"{what} ... ", nl=False)
    start = time.perf_counter()
    try:
        yield
    except BaseException:
        click.echo("failed")
        raise
    click.echo(f"{time.perf_counter() - start:.1f} s")


def _read(path: Path) -> tuple[Any, Any]:
    """The photograph, cropped to even sizes, and the same at half the size, as uint8 RGB."""
    from tfdeconv.imaging import read_photograph
    from tfdeconv.imaging.bicubic import degrade
    from tfdeconv.imaging.comparison import on_white

    try:
        with native_output_dropped():
            photo = on_white(read_photograph(path).pixels)
    except ImageError as error:
        raise ImageError(f"--image {error}") from None
    height, width = photo.shape[:2]
    if min(height, width) < SCALE:
        raise ImageError(
            f"--image must be at least {SCALE} pixels wide and high; received {width} x {height}."
        )
    halved, original = degrade(photo, SCALE)
    return original, halved


def _clear(base_path: Path) -> None:
    """Remove the versions of an earlier demo."""
    try:
        if base_path.exists():
            shutil.rmtree(base_path)
    except OSError as error:
        raise ExportError(
            f"--output cannot be used: {error.filename!r}: {error.strerror}. Choose another folder."
        ) from None


@dataclass(frozen=True)
class _Answer:
    """What came back one way: the picture, payload sizes in bytes, and the median latency in seconds."""

    way: str
    picture: Any
    sent: int
    received: int
    latency: float


def _ask(server: Any, photo: Any) -> list[_Answer]:
    """Query the server with TensorFlow Serving's own messages and plain HTTP, not with our client."""
    import grpc
    import httpx
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    batch = _to_float(photo)
    png = io.BytesIO()
    _to_image(photo).save(png, "PNG")

    def grpc_floats() -> tuple[Any, int, int]:
        request = predict_pb2.PredictRequest(inputs={"image": tf.make_tensor_proto(batch)})
        request.model_spec.name = MODEL
        response = stub.Predict(request, timeout=60)
        return tf.make_ndarray(response.outputs["upscaled"])[0], request.ByteSize(), response.ByteSize()

    def post(body: dict[str, Any]) -> tuple[Any, int, int]:
        response = http.post(f"/v1/models/{MODEL}:predict", json=body)
        if response.is_error:
            raise InternalError(f"the server answered {response.status_code}: {response.text}")
        return response.json()["predictions"][0], len(response.request.content), len(response.content)

    def rest_floats() -> tuple[Any, int, int]:
        prediction, sent, received = post({"instances": batch.tolist()})
        return np.array(prediction, np.float32), sent, received

    def rest_png() -> tuple[Any, int, int]:
        encoded = {"b64": base64.b64encode(png.getvalue()).decode()}
        prediction, sent, received = post({"signature_name": "serve_image_bytes", "instances": [encoded]})
        answer = tf.io.decode_png(base64.b64decode(prediction["b64"])).numpy()
        return _to_float(answer)[0], sent, received

    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with (
        grpc.insecure_channel(server.grpc_url.removeprefix("grpc://"), options=unlimited) as channel,
        httpx.Client(base_url=server.rest_url, timeout=60) as http,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return [
            _measure("gRPC, float tensor", grpc_floats),
            _measure("REST, float tensor", rest_floats),
            _measure("REST, PNG bytes", rest_png),
        ]


def _measure(way: str, query: Callable[[], tuple[Any, int, int]]) -> _Answer:
    latencies = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        picture, sent, received = query()
        latencies.append(time.perf_counter() - start)
    return _Answer(way, picture, sent, received, statistics.median(latencies))


def _compare(answers: list[_Answer], expected: Any) -> list[float]:
    """The largest difference of each answer from the in-process model, in units of 1 / 255."""
    for answer in answers:
        if answer.picture.shape != expected.shape:
            raise InternalError(
                f"{answer.way}: the answer has shape {answer.picture.shape} instead of {expected.shape}."
            )
    pictures = [expected, *(answer.picture for answer in answers)]
    spread = float((np.max(pictures, axis=0) - np.min(pictures, axis=0)).max())
    if spread > TOLERANCE:
        raise InternalError(
            f"the answers and the in-process model differ by {spread * 255:.2f} / 255; at most 1 is right."
        )
    return [float(np.abs(answer.picture - expected).max()) * 255 for answer in answers]


def _draw(output: Path, original: Any, halved: Any, upscaled: Any) -> None:
    from PIL import Image

    from tfdeconv.imaging.formats.atomic_file import draft_of
    from tfdeconv.imaging.side_by_side import side_by_side

    result = _to_levels(upscaled)
    size = original.shape[1], original.shape[0]
    enlarged = np.asarray(_to_image(halved).resize(size, Image.Resampling.NEAREST))
    drawing = side_by_side(
        [("Input, pixels enlarged", enlarged), (f"Upscaled x{SCALE}", result), ("Original", original)]
    )
    pictures = {"input": _to_image(halved), "upscaled": _to_image(result), "comparison": drawing}
    for name, picture in pictures.items():
        with draft_of(output / f"{name}.png", overwrite=True) as draft:
            picture.save(draft)


def _quality(original: Any, halved: Any, upscaled: Any) -> str:
    """Luma PSNR against the original, beside bicubic interpolation's; by the papers' protocol."""
    from tfdeconv.imaging.bicubic import bicubic_resize
    from tfdeconv.imaging.image_quality import psnr
    from tfdeconv.imaging.luma import luma

    if min(original.shape[:2]) <= 2 * SCALE:
        return "the photograph is too small to score"
    high = luma(original)
    bicubic = psnr(high, luma(bicubic_resize(halved, SCALE)), SCALE)
    return f"{psnr(high, luma(_to_levels(upscaled)), SCALE):.2f} dB PSNR on luma; bicubic {bicubic:.2f} dB"


def _table(answers: list[_Answer], differences: list[float]) -> str:
    rows: list[tuple[str, ...]] = [("Way", "sent", "received", "latency", "off by")]
    for answer, difference in zip(answers, differences, strict=True):
        sizes = (f"{size / 1024:,.0f} KiB" for size in (answer.sent, answer.received))
        rows.append((answer.way, *sizes, f"{answer.latency * 1000:.1f} ms", f"{difference:.2f} / 255"))
    return "\n".join(f"{way:<20}{sent:>12}{got:>12}{time:>12}{off:>14}" for way, sent, got, time, off in rows)


def _to_float(photo: Any) -> Any:
    """uint8 ``[h, w, 3]`` to float32 ``[1, h, w, 3]`` in [0, 1]."""
    return photo[np.newaxis].astype(np.float32) / np.float32(255)


def _to_levels(picture: Any) -> Any:
    """Floats in [0, 1] to the nearest of 256 levels."""
    return np.floor(picture * 255 + 0.5).astype(np.uint8)


def _to_image(picture: Any) -> Any:
    from PIL import Image

    return Image.fromarray(picture)
