"""Import an optional dependency, or say which pip command brings it."""

from __future__ import annotations

import importlib
from typing import Any

from tfdeconv.errors import MissingExtraError


def require(module: str, *, extra: str, feature: str) -> Any:
    """Return the imported ``module``.

    Args:
        module: Dotted name of the module.
        extra: The extra of tfdeconv that installs it.
        feature: What the user asked for, as the subject of the error's sentence.

    Raises:
        MissingExtraError: The module is not installed.

    Example:
        >>> require("json", extra="serving", feature="Reading JSON").dumps(1)
        '1'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there; something it needs is not
        raise MissingExtraError(
            f"{feature} needs the package {module.split('.')[0]!r}. "
            f"Install it with: pip install 'tfdeconv[{extra}]'"
        ) from None
