"""Make ``import tfdeconv`` enough for ``keras.saving.load_model`` to find every layer of a saved model.

Keras looks serialized classes up in a registry that is filled when their modules are imported, but
``import tfdeconv`` must not import Keras (and with it TensorFlow). So the modules that register
classes are imported when Keras itself is: at once if it is loaded, else right after it loads.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import wrapt

SERIALIZABLE_MODULES = (
    "tfdeconv.constraints",
    "tfdeconv.initializers",
    "tfdeconv.layers",
)


@wrapt.when_imported("keras")
def _register(_: ModuleType) -> None:
    for module in SERIALIZABLE_MODULES:
        importlib.import_module(module)
