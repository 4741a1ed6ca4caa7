"""Slim in ONNX Runtime: the file of ``td.export_portable`` against PyTorch's own export of the same network.

    python benchmarks/portable_speed.py [--height 180] [--width 320] [--seconds 4] [--threads 0]

The network is written in PyTorch with the same weights (bilinear interpolation and a transposed convolution
of PyTorch's own), exported with ``torch.onnx.export``, and both files run in turns in one process. Prints
milliseconds for each scale, and for int8, and the largest difference between both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime
import torch

import tfdeconv as td


class TorchSlim(torch.nn.Module):
    """Slim with the weights of the Keras model."""

    def __init__(self, model: keras.Model, scale: int) -> None:
        super().__init__()
        self.scale = scale
        layers: list[torch.nn.Module] = []
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                kernel, bias = (torch.tensor(np.asarray(weight)) for weight in layer.get_weights())
                taps, _, channels, filters = kernel.shape
                convolution = torch.nn.Conv2d(channels, filters, taps, padding=taps // 2)
                convolution.weight.data, convolution.bias.data = kernel.permute(3, 2, 0, 1), bias
                layers.append(convolution)
            elif isinstance(layer, keras.layers.LeakyReLU):
                layers.append(torch.nn.LeakyReLU(layer.negative_slope))
            elif isinstance(layer, keras.layers.PReLU):
                slopes = torch.tensor(np.asarray(layer.alpha)).ravel()
                activation = torch.nn.PReLU(len(slopes))
                activation.weight.data = slopes
                layers.append(activation)
            elif isinstance(layer, td.layers.Conv2DTranspose):
                kernel, bias = (torch.tensor(np.asarray(weight)) for weight in layer.get_weights())
                taps, _, filters, channels = kernel.shape
                upsample = torch.nn.ConvTranspose2d(channels, filters, taps, scale, (taps - scale) // 2)
                upsample.weight.data, upsample.bias.data = kernel.permute(3, 2, 0, 1), bias
                layers.append(upsample)
        self.detail = torch.nn.Sequential(*layers)

    def forward(self, luma: torch.Tensor) -> torch.Tensor:
        """Return the enlarged luma ``[batch, 1, height, width]``."""
        base = torch.nn.functional.interpolate(luma, scale_factor=float(self.scale), mode="bilinear")
        return base + self.detail(luma - 0.5)


def export_torch(model: torch.nn.Module, path: Path) -> None:
    """Write PyTorch's own export with free sizes."""
    axes = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.zeros(1, 1, 24, 24),),
            str(path),
            input_names=["luma"],
            dynamic_axes={"luma": axes},
            opset_version=17,
            dynamo=False,
        )


def pictures(options: argparse.Namespace) -> np.ndarray:
    """Return smooth pictures to calibrate with: noise is not what an upscaler sees."""
    y, x = np.mgrid[0 : options.height, 0 : options.width] / options.width
    waves = [0.5 + 0.35 * np.sin(40 * (x * np.cos(angle) + y * np.sin(angle))) for angle in range(4)]
    return np.stack(waves)[..., np.newaxis].astype("float32")


def race(sessions: dict[str, tuple[Any, Any]], seconds: float) -> dict[str, float]:
    """Return the shortest time of each session in milliseconds, run in turns."""
    best = dict.fromkeys(sessions, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, (session, x) in sessions.items():
            start = time.perf_counter()
            session.run(None, {"luma": x})
            best[name] = min(best[name], 1000 * (time.perf_counter() - start))
    return best


def main() -> None:
    """Export, compare, race, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=180)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as cores")
    options = parser.parse_args()
    x = pictures(options)[:1]
    channels_first = x.reshape(1, 1, options.height, options.width)
    with tempfile.TemporaryDirectory() as folder:
        for scale in (2, 3, 4):
            model = td.zoo.load_upscaler(scale)
            paths = {name: Path(folder, f"{name}{scale}.onnx") for name in ("tfdeconv", "int8", "torch")}
            td.export_portable(model, paths["tfdeconv"])
            td.export_portable(model, paths["int8"], precision="int8", calibration=pictures(options))
            export_torch(TorchSlim(model, scale), paths["torch"])
            sessions = {}
            for name, path in paths.items():
                session_options = onnxruntime.SessionOptions()
                session_options.intra_op_num_threads = options.threads
                session = onnxruntime.InferenceSession(
                    str(path), session_options, providers=["CPUExecutionProvider"]
                )
                sessions[name] = (session, channels_first if name == "torch" else x)
            ours, theirs = (
                sessions[name][0].run(None, {"luma": sessions[name][1]})[0] for name in ("tfdeconv", "torch")
            )
            difference = float(np.max(np.abs(ours.ravel() - theirs.ravel())))
            best = race(sessions, options.seconds)
            print(
                f"Slim x{scale} {options.width}x{options.height}: "
                + ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in best.items())
                + f"; torch / tfdeconv {best['torch'] / best['tfdeconv']:.2f}, difference {difference:.1g}"
            )


if __name__ == "__main__":
    main()
