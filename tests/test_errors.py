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
