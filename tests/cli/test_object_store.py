"""Photographs in a store that speaks S3's protocol."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tfdeconv.cli.commands.predict import command as predict
from tfdeconv.cli.commands.upscale import command as upscale
from tfdeconv.errors import FileError

s3fs = pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # botocore's and moto's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # s3fs closing sessions
]


@pytest.fixture(scope="module")
def store():
    """A store with two empty buckets, ``album`` and ``larger``."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    values = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        files = s3fs.S3FileSystem(use_listings_cache=False)
        for bucket in ("album", "larger"):
            files.mkdir(bucket)
        yield files
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def album(store, tmp_path_factory):
    """The same photographs in a folder and in the bucket ``album``; one is broken."""
    folder = tmp_path_factory.mktemp("album")
    noise = np.random.default_rng(0)
    for name in ("a.png", "day/b.png", "day/c.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(folder / name)
    (folder / "day" / "broken.png").write_bytes(b"nonsense")
    for path in folder.rglob("*.png"):
        store.put_file(str(path), f"album/{path.relative_to(folder)}")
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(upscale, arguments, catch_exceptions=False)


def test_a_bucket_is_enlarged_into_another_one(store, album, tmp_path):
    """The objects are the bytes that a disk gets, in the same folders; a run that was stopped goes on."""
    assert run(str(album), "-o", str(tmp_path)).exit_code == 1
    first = run("s3://album", "-o", "s3://larger/x2", "--resume")
    assert first.exit_code == 1
    assert "3 of 4 files done, 1 failed; see s3://larger/x2/failures.jsonl." in first.stderr
    wanted = {f"larger/x2/{p.relative_to(tmp_path)}": p.read_bytes() for p in tmp_path.rglob("*.png")}
    report = json.loads(store.cat_file("larger/x2/failures.jsonl"))
    assert report["path"] == "s3://album/day/broken.png"
    assert {name: store.cat_file(name) for name in store.find("larger") if name[-4:] == ".png"} == wanted

    store.rm_file("larger/x2/day/b.png")
    store.rm_file("album/day/broken.png")
    again = run("s3://album", "-o", "s3://larger/x2", "--resume")
    assert again.exit_code == 0
    assert "2 of 3 files are there already." in again.stderr
    assert {name: store.cat_file(name) for name in store.find("larger")} == wanted


def test_a_bucket_that_there_is_not_ends_the_run(album):
    """One file shows it; the others are not tried."""
    done = run(str(album), "-o", "s3://nowhere/x2")
    assert done.exit_code == 1
    assert "cannot be written: The specified bucket does not exist." in done.stderr
    assert "0 of 4 files done, 1 failed, then stopped: the others would fail as well." in done.stderr


def test_a_store_that_does_not_answer_is_told(monkeypatch, album):
    """In one line."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(FileError, match=r"s3://album/? cannot be looked at: Could not connect"):
        run("s3://album", "-o", "s3://larger/x3")
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("place", ["memory://album", "-"])
def test_processes_of_ray_do_not_see_what_is_this_process_s(place, album):
    """Its memory and its pipes."""
    with pytest.raises(ValueError, match=r"this process"):
        run(place, "-o", "s3://larger/x4", "--engine", "ray")


def test_options_of_ray_are_for_ray(album):
    """Not passed over."""
    with pytest.raises(ValueError, match="--workers is for --engine ray; received --engine local"):
        run(str(album), "-o", "x", "--workers", "2")
    with pytest.raises(ValueError, match="--resume is for --engine local or ray"):
        CliRunner().invoke(
            predict, ["grpc://h:1", "--model", "m", "--input", "a", "--resume"], catch_exceptions=False
        )
