"""Megapixels per second of ``td.zoo.upscale`` against other ways to double a photograph.

Run ``python benchmarks/upscale.py`` from the source tree (``pip install --group bench``); nothing else
should keep the processor busy. ``--memory`` measures the peak memory of a 100-megapixel result instead.

OpenCV's ``dnn_superres`` enlarges luma by FSRCNN and chroma by a bicubic filter. The wheels of OpenCV lack
that module, so its pipeline is repeated here over ``cv2.dnn``, and over ONNX Runtime, with tfdeconv's FSRCNN,
which has the paper's size. The peers' networks are checked to compute what Keras computes, and tiles to leave
no seams, before anything is timed. PSNR is of luma on the photograph of the demo, halved.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import cv2
import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import tfdeconv as td
from tfdeconv.cli.commands.demo import PHOTO
from tfdeconv.imaging.writing import MOST_WEBP_ALPHA

SCALE = 2
MEGAPIXELS = (0.25, 1, 4, 16)
TARGET = 1.5
"""How many times faster than OpenCV's pipeline td.zoo.upscale shall be."""

FINE_TARGET = 5.0
"""Megapixels of the result per second that quality "fine" shall make after td.optimize."""

MEMORY_TARGET = 2000
"""Megabytes in which a 100-megapixel result shall be possible."""

Upscaler = Callable[[np.ndarray], np.ndarray]


def to_onnx(model: keras.Model) -> bytes:
    """Return FSRCNN without its bilinear residual, as the paper has it, as an ONNX model."""
    nodes, weights = [], []
    value = "luma"

    def constant(name: str, array: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    for layer in model.layers:
        name = layer.name
        if isinstance(layer, keras.layers.PReLU):
            inputs = [constant(f"{name}_slopes", layer.get_weights()[0].transpose(2, 0, 1))]
            kind, attributes = "PRelu", {}
        elif isinstance(layer, keras.layers.Conv2D | td.layers.Conv2DTranspose):
            kernel, bias = layer.get_weights()
            inputs = [
                constant(f"{name}_kernel", kernel.transpose(3, 2, 0, 1)),
                constant(f"{name}_bias", bias),
            ]
            if isinstance(layer, keras.layers.Conv2D):
                kind, attributes = "Conv", {"pads": [kernel.shape[0] // 2] * 4}
            else:
                before, after = td.geometry.crops(kernel.shape[0], SCALE, padding="same")
                kind, attributes = (
                    "ConvTranspose",
                    {"pads": [before, before, after, after], "strides": [SCALE] * 2},
                )
        else:
            continue
        nodes.append(helper.make_node(kind, [value, *inputs], [name], **attributes))
        value = name
    nodes[-1].output[0] = "detail"
    shape = [1, 1, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "fsrcnn",
        [helper.make_tensor_value_info("luma", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("detail", TensorProto.FLOAT, [1, 1, "h", "w"])],
        weights,
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(built)
    return built.SerializeToString()


def superres_pipeline(network: Callable[[np.ndarray], np.ndarray]) -> Upscaler:
    """Return what dnn_superres does around its network: luma through it, chroma bicubic."""

    def upscale(pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        size = (SCALE * width, SCALE * height)
        colours = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
        luma = (colours[..., 0].astype(np.float32) * 219 / 255 + 16) / 255  # limited range, as it was trained
        detail = network(luma[np.newaxis, np.newaxis])[0, 0]
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_LINEAR) + detail
        result = cv2.resize(colours, size, interpolation=cv2.INTER_CUBIC)
        result[..., 0] = np.rint(np.clip((luma * 255 - 16) * 255 / 219, 0, 255)).astype(np.uint8)
        return cv2.cvtColor(result, cv2.COLOR_YCrCb2RGB)

    return upscale


def optimized_fine(precision: Literal["float32", "bfloat16"]) -> Upscaler:
    """Return ``td.zoo.upscale`` with Fine as ``td.optimize`` makes it."""
    model = td.zoo.load_upscaler(SCALE, quality="fine")
    network = td.zoo.LocalNetwork(td.optimize(model, (256, 256, 1), precision=precision).model, SCALE)
    return lambda pixels: td.zoo.upscale(pixels, SCALE, network=network)


class Contender(NamedTuple):
    """A way to double a picture."""

    name: str
    upscale: Upscaler


def contenders() -> list[Contender]:
    """Return all ways, checked: the peers' networks compute what Keras computes."""
    model = td.zoo.FSRCNN(SCALE, weights="cc0-photos")
    encoded = to_onnx(model)
    session = onnxruntime.InferenceSession(encoded, providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX(np.frombuffer(encoded, np.uint8))

    def onnx_runtime(luma: np.ndarray) -> np.ndarray:
        return session.run(None, {"luma": luma})[0]

    def opencv(luma: np.ndarray) -> np.ndarray:
        net.setInput(luma)
        return net.forward()

    probe = np.random.default_rng(1).random((1, 1, 40, 60), np.float32)
    channels_last = probe.transpose(0, 2, 3, 1)
    residual = tf.image.resize(channels_last, (SCALE * 40, SCALE * 60), "bilinear")
    expected = (model(channels_last) - residual).numpy().transpose(0, 3, 1, 2)
    for name, network in (("ONNX Runtime", onnx_runtime), ("OpenCV", opencv)):
        np.testing.assert_allclose(network(probe), expected, atol=1e-4, err_msg=f"{name}'s FSRCNN")

    ours = td.zoo.LocalNetwork(model, SCALE)
    pixels = np.random.default_rng(2).integers(0, 256, (300, 400, 3), np.uint8)
    tiled, whole = td.zoo.upscale(pixels, SCALE, tile=128), td.zoo.upscale(pixels, SCALE, tile=1000)
    assert np.abs(tiled.astype(int) - whole).max() <= 1, "tiles show seams"

    def bicubic(pixels: np.ndarray) -> np.ndarray:
        image = Image.fromarray(pixels)
        return np.asarray(image.resize((SCALE * image.width, SCALE * image.height), Image.Resampling.BICUBIC))

    return [
        Contender("tfdeconv, default", lambda pixels: td.zoo.upscale(pixels, SCALE)),
        Contender("tfdeconv, fine", lambda pixels: td.zoo.upscale(pixels, SCALE, quality="fine")),
        Contender("tfdeconv, fine, optimized", optimized_fine("float32")),
        Contender("tfdeconv, fine, bfloat16", optimized_fine("bfloat16")),
        Contender("tfdeconv, FSRCNN", lambda pixels: td.zoo.upscale(pixels, SCALE, network=ours)),
        Contender("OpenCV, FSRCNN", superres_pipeline(opencv)),
        Contender("ONNX Runtime, FSRCNN", superres_pipeline(onnx_runtime)),
        Contender("Pillow, bicubic", bicubic),
    ]


def speed(upscale: Upscaler, pixels: np.ndarray, rounds: int) -> float:
    """Return megapixels of the result per second: the best of some rounds after one to warm up."""
    upscale(pixels)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        upscale(pixels)
        seconds.append(time.perf_counter() - start)
    return pixels.shape[0] * pixels.shape[1] * SCALE**2 / 1e6 / min(seconds)


def psnr(upscale: Upscaler) -> float:
    """Return the PSNR of luma on the demo's photograph, halved and doubled, without a border."""
    with Image.open(PHOTO) as image:
        original = image.convert("RGB")
    half = original.resize((original.width // SCALE, original.height // SCALE), Image.Resampling.BICUBIC)
    rgb = np.array([65.481, 128.553, 24.966]) / 255
    inner = (slice(SCALE, -SCALE),) * 2
    error = (np.asarray(original, float) - upscale(np.asarray(half))) @ rgb
    return float(10 * np.log10(255**2 / np.square(error[inner]).mean()))


def photograph(megapixels: float) -> np.ndarray:
    """Return a picture whose double has this many megapixels."""
    side = round((megapixels * 1e6) ** 0.5 / SCALE)
    with Image.open(PHOTO) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))


def peak_memory(suffix: str, bits: int, alpha: bool, megapixels: float) -> tuple[float, float]:
    """Return the peak resident megabytes and the seconds of the command for a result of this size."""
    from tfdeconv.imaging import Photograph, write_photograph

    with tempfile.TemporaryDirectory() as folder:
        pixels = photograph(megapixels)
        if alpha:
            pixels = np.concatenate([pixels, pixels[..., :1]], axis=-1)
        pixels = pixels.astype(np.uint16) * 257 if bits == 16 else pixels
        write_photograph(Photograph(pixels), Path(folder, f"in{suffix}"))
        command = [sys.executable, "-m", "tfdeconv.cli", "upscale", f"in{suffix}", "-o", f"out{suffix}"]
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, "the command failed"
        return usage.ru_maxrss * 1024 / 1e6, time.perf_counter() - start


def memory_table() -> None:
    """Print the peak memory of a 100-megapixel result in several formats; WebP with alpha ends before."""
    click.echo("| result | peak memory | time | |\n|---|---|---|---|")
    cases = [(".jpg", 8, False)]
    cases += [
        (suffix, bits, alpha) for suffix in (".png", ".tif") for bits in (8, 16) for alpha in (False, True)
    ]
    cases += [(".webp", 8, False), (".webp", 8, True)]
    for suffix, bits, alpha in cases:
        megapixels = MOST_WEBP_ALPHA / 1e6 if alpha and suffix == ".webp" else 100
        peak, seconds = peak_memory(suffix, bits, alpha, megapixels)
        verdict = "" if peak < MEMORY_TARGET else f"above the {MEMORY_TARGET:,} MB aimed at"
        name = f"{suffix[1:].upper()}, {bits} bit, {'RGBA' if alpha else 'RGB'}, {megapixels:g} MP"
        click.echo(f"| {name} | {peak:,.0f} MB | {seconds:.0f} s | {verdict} |")


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds of each; the best one counts.")
@click.option("--memory", is_flag=True, help="Measure the peak memory of a 100-megapixel result instead.")
@click.option("--largest", default=16.0, show_default=True, help="Leave out larger results, in megapixels.")
def main(rounds: int, memory: bool, largest: float) -> None:
    """Print a table of speed and quality, or of memory."""
    if memory:
        memory_table()
        return
    sizes = [size for size in MEGAPIXELS if size <= largest]
    pictures = [photograph(size) for size in sizes]
    click.echo(f"x{SCALE}, megapixels of the result per second, {os.cpu_count()} cores")
    click.echo(f"{'':26}" + "".join(f"{size:>7g} MP" for size in sizes) + "   PSNR, demo photograph")
    speeds: dict[str, list[float]] = {}
    for name, upscale in contenders():
        speeds[name] = [speed(upscale, pixels, rounds) for pixels in pictures]
        speed_columns = "".join(f"{value:10.2f}" for value in speeds[name])
        click.echo(f"{name:26}{speed_columns}{psnr(upscale):12.2f} dB")
    ours, opencv = speeds["tfdeconv, default"], speeds["OpenCV, FSRCNN"]
    ratios = [a / b for a, b in zip(ours, opencv, strict=True)]
    click.echo(f"{'default / OpenCV':26}" + "".join(f"{ratio:9.2f}x" for ratio in ratios))
    click.echo(f"Aimed at: {TARGET}x OpenCV's speed; {'reached' if min(ratios) >= TARGET else 'missed'}.")
    fine = min(speeds["tfdeconv, fine, optimized"])
    click.echo(f"Fine: {FINE_TARGET:g} MP/s; {'reached' if fine >= FINE_TARGET else 'missed'}.")


if __name__ == "__main__":
    main()
