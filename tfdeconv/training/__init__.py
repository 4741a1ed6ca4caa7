"""Train and score small upsampling models (needs the extra ``train``).

The names below are bound lazily: reading a recipe does not import TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "loop": ["Trainer"],
        "patches": ["collect_patches"],
        "recipe": ["Recipe", "load_recipe", "shipped_recipe"],
        "scored_pairs": ["scored_pairs"],
        "soap": ["SOAP"],
    },
)
