"""Make ``import tfdeconv`` enough for ``keras.saving.load_model`` to find every class of a saved model.

Keras looks serialized classes up in a registry that is filled when their modules are imported, but
``import tfdeconv`` must not import Keras (and with it TensorFlow). So as soon as Keras is there, each
class gets an entry that imports the real one when it is asked for; importing the class replaces it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import wrapt

PACKAGE = "tfdeconv"

SERIALIZABLE = {
    "tfdeconv.constraints": ("EqualPhaseSums",),
    "tfdeconv.convert.by_size.padding": ("PadBySize",),
    "tfdeconv.convert.by_size.resampling": ("ResizeBySize",),
    "tfdeconv.convert.by_size.reshaping": ("ReshapeBySize",),
    "tfdeconv.convert.by_size.slicing": ("SliceBySize",),
    "tfdeconv.inference.max_prelu": ("MaxPReLU",),
    "tfdeconv.inference.prepared_conv_transpose": ("PreparedConvTranspose",),
    "tfdeconv.initializers": ("ICNR", "Bilinear"),
    "tfdeconv.layers": (
        "BilinearAdditiveUpsampling2D",
        "BilinearUpsampling2D",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Conv3DTranspose",
        "CropLike",
        "DepthwiseConv2DTranspose",
        "LinearUpsampling1D",
        "MaxPooling2DWithSwitches",
        "MaxUnpooling2D",
        "PixelShuffle1D",
        "PixelShuffle2D",
        "PixelShuffle3D",
        "ResizeConv2D",
        "SubpixelConv2D",
        "TrilinearUpsampling3D",
    ),
    "tfdeconv.layers.convolution": ("Conv1D", "Conv2D", "Conv3D"),
    "tfdeconv.training.soap": ("SOAP",),
    "tfdeconv.zoo.upscalers.luma_layer": ("Luma",),
    "tfdeconv.zoo.segmentation.pad_to_multiple": ("PadToMultiple2D",),
    "tfdeconv.zoo.upscalers.chain": ("NearIdentity",),
}
"""Module -> classes decorated with ``register_keras_serializable(package=PACKAGE)``."""


@dataclass(frozen=True)
class _Deferred:
    """Stands for a class in Keras's registry until a saved model needs it."""

    module: str
    name: str

    def from_config(self, config: dict[str, Any]) -> Any:
        return getattr(importlib.import_module(self.module), self.name).from_config(config)


@wrapt.when_imported("keras")
def _register(keras: ModuleType) -> None:
    registry = keras.saving.get_custom_objects()
    for module, names in SERIALIZABLE.items():
        for name in names:
            registry.setdefault(f"{PACKAGE}>{name}", _Deferred(module, name))
