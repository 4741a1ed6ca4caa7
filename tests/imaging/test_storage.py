"""Files, streams and URLs share one path, and outputs are whole or not at all on each."""

import io
import os

import fsspec
import numpy as np
import pytest
from imaging.pictures import pattern

from tfdeconv.errors import FileError, ImageError, InvalidArgumentError, MissingExtraError
from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.storage import STREAM, open_input, place, whole_output

pytest.importorskip("upath", reason="needs the storage extra")


@pytest.fixture
def store():
    """An object store in memory."""
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_names_become_places(tmp_path):
    """A pipe, a URL, a path; ./- is a file, and file:// a path."""
    assert place("-") is STREAM
    assert str(place("memory://a/b.png")).endswith("a/b.png")
    assert place("a.png").name == "a.png"
    assert place(f"file://{tmp_path}/a.png") == tmp_path / "a.png"


@pytest.mark.parametrize(
    ("url", "error"),
    [("nothing://a", InvalidArgumentError), ("hdfs://a/b.png", (MissingExtraError, InvalidArgumentError))],
)
def test_urls_that_cannot_be_used_are_told(url, error):
    """The kind is unknown, or its package is missing."""
    with pytest.raises(error, match=url.partition("://")[0]):
        place(url)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_a_photograph_goes_to_a_store_and_back(store, suffix):
    """In one put; the same bytes as on disk."""
    photograph = Photograph(pattern(3))
    write_photograph(photograph, f"memory://album/a.{suffix}")
    out = io.BytesIO()
    write_photograph(photograph, out, kind={"jpg": "JPEG", "webp": "WebP", "tif": "TIFF"}.get(suffix, "PNG"))
    assert store.cat(f"/album/a.{suffix}") == out.getvalue()
    read = read_photograph(f"memory://album/a.{suffix}")
    assert read.pixels.shape == photograph.pixels.shape
    with pytest.raises(ImageError, match=r"exists\. Choose another name"):
        write_photograph(photograph, f"memory://album/a.{suffix}")


def test_a_store_gets_nothing_after_an_error(store):
    """Nor a stream."""
    out = io.BytesIO()
    for target in (place("memory://album/a.png"), out):
        with pytest.raises(KeyboardInterrupt), whole_output(target) as file:
            file.write(b"half")
            raise KeyboardInterrupt
    assert not store.exists("/album/a.png")
    assert out.getvalue() == b""


def test_a_store_that_refuses_is_told(store, monkeypatch):
    """With the name and the reason."""

    def refuse(*arguments, **options):
        raise PermissionError(13, "Access Denied")

    monkeypatch.setattr(type(store), "put_file", refuse)
    with (
        pytest.raises(FileError, match=r"a\.png cannot be written: Access Denied\."),
        whole_output(place("memory://album/a.png")) as file,
    ):
        file.write(b"whole")


def test_a_pipe_is_read_and_written(monkeypatch):
    """Whatever cannot be sought in is kept until it is whole."""
    data = io.BytesIO()
    write_photograph(Photograph(pattern(4)), data, kind="PNG")
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as file:
        file.write(data.getvalue())
    with os.fdopen(read_end, "rb") as pipe:
        np.testing.assert_array_equal(read_photograph(pipe).pixels, pattern(4))
        assert not pipe.closed
    with open_input(data) as same:
        assert same is data


def test_a_pipe_with_a_name_is_read():
    """As shells make one of ``<(command)``."""
    data = io.BytesIO()
    write_photograph(Photograph(pattern(3)), data, kind="PNG")
    reading, writing = os.pipe()  # which holds so little without a reader
    os.write(writing, data.getvalue())
    os.close(writing)
    try:
        read = read_photograph(f"/dev/fd/{reading}")
    finally:
        os.close(reading)
    np.testing.assert_array_equal(read.pixels, pattern(3))


def test_links_lead_to_what_they_point_to(tmp_path):
    """A link that is written through stays one."""
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    write_photograph(Photograph(pattern(1)), real)
    link.symlink_to(real)
    write_photograph(Photograph(pattern(3)), link, overwrite=True)
    assert link.is_symlink()
    assert read_photograph(real).pixels.shape[-1] == 3


def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path):
    """Between the first look and the last step may lie an hour."""
    path = tmp_path / "a.png"
    with pytest.raises(FileError, match="exists"), whole_output(path) as file:
        file.write(b"mine")
        path.write_bytes(b"another's")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"another's"
