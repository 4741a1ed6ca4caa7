"""What TensorFlow writes while it loads is shown only where it explains something."""

import builtins
import os

import pytest

from tfdeconv.cli.tensorflow_import import import_tensorflow


@pytest.fixture
def loading_ends_with(monkeypatch):
    """Let the import of TensorFlow write a notice to standard error and then raise."""

    def prepare(error):
        real = builtins.__import__

        def load(name, *arguments, **options):
            if name == "tensorflow":
                os.write(2, b"a notice\n")
                raise error
            return real(name, *arguments, **options)

        monkeypatch.setattr(builtins, "__import__", load)

    return prepare


def test_notices_show_where_loading_fails(loading_ends_with, capfd):
    """They may say why."""
    loading_ends_with(ImportError("broken"))
    with pytest.raises(ImportError):
        import_tensorflow()
    assert capfd.readouterr().err == "a notice\n"


def test_ctrl_c_while_loading_shows_none(loading_ends_with, capfd):
    """Nothing is wrong then."""
    loading_ends_with(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        import_tensorflow()
    assert capfd.readouterr().err == ""
