"""The exception tree."""

import inspect
import re

import pytest
import tensorflow as tf

from tfdeconv import errors

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_keeps_its_class_through_tf_function(cls):
    """AutoGraph makes errors again with a longer message; ``except`` clauses must still match."""

    @tf.function
    def fail(x):
        raise cls("the reason")

    with pytest.raises(errors.TfdeconvError, match="the reason") as caught:
        fail(1.0)
    assert type(caught.value) is cls


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_in_the_tree_of_the_docstring(cls):
    """One tree, and the module's docstring shows all of it."""
    assert issubclass(cls, errors.TfdeconvError)
    assert re.search(rf"\b{cls.__name__}\b", errors.__doc__)


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.InvalidArgumentError, ValueError),
        (errors.MissingExtraError, ImportError),
        (errors.InvalidRequestError, ValueError),
        (errors.NotFoundError, LookupError),
        (errors.UnavailableError, ConnectionError),
        (errors.DeadlineExceededError, TimeoutError),
    ],
)
def test_python_s_own_classes_catch_them(cls, builtin):
    """Code that knows nothing of tfdeconv finds what it expects; the docstring says which."""
    assert issubclass(cls, builtin)
    assert f"{cls.__name__} ({builtin.__name__})" in errors.__doc__
