"""Transposed convolution and upsampling for TensorFlow and Keras: exact, fast, and served.

Names are bound lazily, so that ``import tfdeconv`` costs milliseconds and the parts that need no
TensorFlow (``tfdeconv.geometry``, ``tfdeconv.client.rest``) do not import it.
"""

import lazy_loader

from tfdeconv import keras_registration as keras_registration

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={
        "alignment",
        "analysis",
        "client",
        "constraints",
        "convert",
        "errors",
        "geometry",
        "imaging",
        "initializers",
        "layers",
        "ops",
        "serving",
        "tiling",
        "training",
        "zoo",
    },
    submod_attrs={
        "export": ["export_saved_model"],
        "export.portable": ["PortableReport", "export_portable"],
        "geometry": ["Window"],
        "inference": ["Optimized", "optimize"],
        "tiling": ["Tiled", "tiled"],
    },
)
