"""Whole models against the same models in plain Keras, PyTorch, ONNX Runtime and OpenCV's dnn.

Run ``python benchmarks/models.py`` from the source tree (``pip install --group bench`` for the peers). Each
model is checked for equal numbers first; see ``harness/contest.py`` for how it is timed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import harness.contest as contest
import keras
import numpy as np
import tensorflow as tf
from harness.contest import Result, check, machine, merged, race, table, write
from harness.pytorch import torch

import tfdeconv as td
from tfdeconv import geometry, zoo
from tfdeconv.initializers import Bilinear

OURS = "after td.optimize"
BUILT = "tfdeconv as built"
KERAS = "Keras as written"
TORCH = "PyTorch"
ONNX = "ONNX Runtime"
OPENCV = "OpenCV dnn"
CLASSES = 21
SCALE = 2


def compiled(function: Callable[[], Any]) -> Any:
    """Return ``function`` as a graph."""
    return tf.function(function, autograph=False)


def randomize(model: keras.Model) -> keras.Model:
    """Return ``model`` with random weights, scaled so that signals keep their size."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "alpha":
            value = rng.uniform(0, 0.5, weight.shape)
        elif weight.name in ("moving_variance", "gamma"):
            value = rng.uniform(0.5, 1.5, weight.shape)
        else:
            value = rng.normal(0, 1 / np.sqrt(np.prod(weight.shape[:-1]) + 1), weight.shape)
        weight.assign(value)
    return model


def fsrcnn(module: Any) -> keras.Model:
    """Return FSRCNN(56, 12, 4) x2 of the paper, with the Conv2DTranspose of ``module``."""
    luma = x = keras.Input((None, None, 1), name="luma")
    for filters, taps in ((56, 5), (12, 1), *((12, 3),) * 4, (56, 1)):
        x = keras.layers.Conv2D(filters, taps, padding="same")(x)
        x = keras.layers.PReLU(shared_axes=[1, 2])(x)
    return keras.Model(luma, module.Conv2DTranspose(1, 9, strides=SCALE, padding="same")(x), name="fsrcnn")


def race_fsrcnn(size: int, seconds: float) -> Result:
    """Race FSRCNN on luma of ``size`` x ``size``."""
    written, built = randomize(fsrcnn(keras.layers)), fsrcnn(td.layers)
    built.set_weights(written.get_weights())
    optimized = td.optimize(written, (size, size, 1), budget_s=seconds).model
    x = np.random.default_rng(0).random((1, size, size, 1), "float32")
    constant = tf.constant(x)
    runs = {
        name: compiled(lambda model=model: model(constant, training=False))
        for name, model in ((KERAS, written), (BUILT, built), (OURS, optimized))
    }
    outputs = {name: run().numpy() for name, run in runs.items()}
    for name, run in fsrcnn_peers(built, np.ascontiguousarray(x[..., 0][:, np.newaxis])).items():
        runs[name] = run
        outputs[name] = np.moveaxis(np.asarray(run()), 1, -1)
    name = f"FSRCNN x{SCALE}, {size}x{size}"
    check(name, outputs)
    return Result("models", name, race(runs, seconds))


def fsrcnn_peers(model: keras.Model, luma: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the calls of those peers that are installed, for the weights of ``model``."""
    peers: dict[str, Callable[[], Any]] = {}
    if torch is not None:
        peers[TORCH] = torch_fsrcnn(model, luma)
    try:
        import cv2
        import onnxruntime
        from upscale import to_onnx
    except ImportError:
        return peers
    encoded = to_onnx(model)
    session = onnxruntime.InferenceSession(encoded, providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX(np.frombuffer(encoded, np.uint8))

    def opencv() -> Any:
        net.setInput(luma)
        return net.forward()

    return peers | {ONNX: lambda: session.run(None, {"luma": luma})[0], OPENCV: opencv}


def torch_fsrcnn(model: keras.Model, luma: np.ndarray) -> Callable[[], Any]:
    """Return PyTorch's call, in the faster of its two layouts."""
    modules: list[Any] = []
    for layer in model.layers[1:]:
        weights = [torch.from_numpy(np.array(weight)) for weight in layer.get_weights()]
        if isinstance(layer, keras.layers.PReLU):
            module = torch.nn.PReLU(weights[0].numel())
            values = [weights[0].flatten()]
        elif isinstance(layer, keras.layers.Conv2D):
            taps, _, channels, filters = weights[0].shape
            module = torch.nn.Conv2d(channels, filters, taps, padding=taps // 2)
            values = [weights[0].permute(3, 2, 0, 1), weights[1]]
        else:
            taps, _, filters, channels = weights[0].shape
            lead, _ = geometry.crops(taps, SCALE, padding="same")
            module = torch.nn.ConvTranspose2d(channels, filters, taps, SCALE, lead)
            values = [weights[0].permute(3, 2, 0, 1), weights[1]]
        with torch.no_grad():
            for parameter, value in zip(module.parameters(), values, strict=True):
                parameter.copy_(value)
        modules.append(module)
    height, width = (SCALE * size for size in luma.shape[2:])
    runs = []
    for layout in (torch.contiguous_format, torch.channels_last):
        network = torch.nn.Sequential(*modules).to(memory_format=layout)
        tensor = torch.from_numpy(luma).to(memory_format=layout)

        def run(network: Any = network, tensor: Any = tensor) -> Any:
            with torch.inference_mode():
                return network(tensor)[:, :, :height, :width]

        runs.append((race({TORCH: run}, 0.5)[TORCH], len(runs), run))
    return min(runs)[2]


def unet_decoder(sizes: Sequence[int], filters: Sequence[int]) -> keras.Model:
    """Return a U-Net's decoder: upsample, join the skip, twice convolution, normalization and ReLU."""
    deepest = x = keras.Input((sizes[0], sizes[0], filters[0]))
    inputs = [deepest]
    for size, width in zip(sizes[1:], filters[1:], strict=True):
        skip = keras.Input((size, size, width))
        inputs.append(skip)
        x = keras.layers.Conv2DTranspose(width, 2, strides=2)(x)
        x = keras.layers.Concatenate()([x, skip])
        for _ in range(2):
            x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.Model(inputs, keras.layers.Conv2D(CLASSES, 1)(x), name="unet_decoder")


def race_unet(seconds: float) -> Result:
    """Race the decoder of a U-Net on a 256 x 256 picture."""
    written = randomize(unet_decoder((16, 32, 64, 128, 256), (256, 128, 64, 32, 16)))
    optimized = td.optimize(written, [tensor.shape[1:] for tensor in written.inputs], budget_s=seconds).model
    rng = np.random.default_rng(0)
    x = [tf.constant(rng.standard_normal((1, *tensor.shape[1:])), tf.float32) for tensor in written.inputs]
    runs = {
        KERAS: compiled(lambda: written(x, training=False)),
        OURS: compiled(lambda: optimized(x, training=False)),
    }
    name = "U-Net decoder, 256x256"
    check(name, {key: run().numpy() for key, run in runs.items()})
    return Result("models", name, race(runs, seconds))


def race_fcn_head(upsampling: str, seconds: float) -> Result:
    """Race the head of FCN-8s on VGG16, 512 x 512, against dense kernels that mix no classes."""
    model = zoo.FCN("VGG16", CLASSES, 8, upsampling, input_shape=(512, 512, 3))
    names = ("score", "score_skip_1", "score_skip_2")
    features = [model.get_layer(name).input for name in names]
    ours = keras.Model([*features, model.input], model.output)
    dense = dense_head([tuple(feature.shape[1:]) for feature in features])
    rng = np.random.default_rng(0)
    for name in names:
        weights = [rng.normal(0, 0.05, weight.shape) for weight in ours.get_layer(name).weights]
        ours.get_layer(name).set_weights(weights)
        dense.get_layer(name).set_weights(weights)
    x = [tf.constant(rng.normal(size=(1, *feature.shape[1:])), tf.float32) for feature in features]
    picture = tf.zeros([1, 512, 512, 3])
    runs = {
        KERAS: compiled(lambda: dense(x, training=False)),
        BUILT: compiled(lambda: ours([*x, picture], training=False)),
    }
    name = f"FCN-8s head, {upsampling}, 512x512"
    check(name, {key: run().numpy() for key, run in runs.items()})
    return Result("models", name, race(runs, seconds))


def dense_head(shapes: Sequence[tuple[int, ...]]) -> keras.Model:
    """Return the decoder of FCN-8s as the FCN reference writes it."""

    def upsample(scores: Any, factor: int) -> Any:
        return keras.layers.Conv2DTranspose(
            CLASSES, 2 * factor, factor, "same", use_bias=False, kernel_initializer=Bilinear()
        )(scores)

    features = [keras.Input(shape) for shape in shapes]
    scores = keras.layers.Conv2D(CLASSES, 1, name="score")(features[0])
    for index, feature in enumerate(features[1:], start=1):
        skip = keras.layers.Conv2D(CLASSES, 1, name=f"score_skip_{index}")(feature)
        scores = keras.layers.Add()([upsample(scores, 2), skip])
    return keras.Model(features, upsample(scores, 8))


@click.command()
@click.option("--seconds", default=6.0, show_default=True, help="Time for each model.")
@click.option("--quick", is_flag=True, help="A subset, for `make bench`.")
@click.option("--merge", is_flag=True, help="Keep the shorter of these times and those of the last run.")
def main(seconds: float, quick: bool, merge: bool) -> None:
    """Race whole models."""
    click.echo(f"Shortest of many runs in turns, milliseconds; {machine()}.\n")
    whole = [race_fsrcnn(256, seconds), race_unet(seconds)]
    heads = [race_fcn_head(kind, seconds) for kind in (("bilinear",) if quick else ("bilinear", "learned"))]
    if merge:
        whole, heads = merged("models", whole), merged("heads", heads)
    click.echo(f"{table(whole, OURS, [OURS, BUILT, KERAS, TORCH, ONNX, OPENCV])}\n")
    click.echo(table(heads, BUILT, [BUILT, KERAS]))
    write("models", whole, OURS)
    write("heads", heads, BUILT)
    click.echo(f"\nJSON and chart: {contest.FOLDER}")


if __name__ == "__main__":
    main()
