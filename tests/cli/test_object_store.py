"""Photographs in a store that speaks S3's protocol."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from s3_store import s3_store

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
    with s3_store("album", "larger") as files:
        yield files


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


@pytest.fixture
def only(store, monkeypatch) -> Iterator[Callable[[str, list[str]], None]]:
    """Let the store look at rights from now on, and be someone who has only these."""
    boto3 = pytest.importorskip("boto3")
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin

    def be(name: str, actions: list[str]) -> None:
        iam = boto3.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        rights = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
        monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        s3fs.S3FileSystem.clear_instance_cache()

    yield be
    s3fs.S3FileSystem.clear_instance_cache()


STOPPED = "0 of 4 files done, 1 failed, then stopped: the others would fail as well."


@pytest.mark.parametrize(
    ("actions", "reason"), [(["s3:GetObject", "s3:ListBucket"], "Access Denied"), (["iam:Get*"], "Forbidden")]
)
def test_who_may_not_write(store, album, only, actions, reason):
    """Is told so by the first file, with and without the right to look; nothing is written."""
    only(f"writer-{len(actions)}", actions)
    done = run(str(album), "-o", "s3://larger/denied")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        f"tfdeconv: error: s3://larger/denied/a.png cannot be written: {reason}.",
        STOPPED,
    ]


def test_a_report_that_cannot_be_written(store, album, only):
    """Has its line, and what was done is summed up all the same."""
    only("reporter", ["s3:GetObject", "s3:ListBucket"])
    lines = run(str(album), "-o", "s3://larger/denied", "--resume").stderr.splitlines()
    assert lines[1:] == [
        "tfdeconv: error: s3://larger/denied/failures.jsonl cannot be written: Access Denied.",
        STOPPED,
    ]


def test_who_may_not_read(store, album, only, tmp_path):
    """Neither without the right to list, nor to get."""
    only("stranger", ["iam:Get*"])
    with pytest.raises(FileError, match=r"s3://album/? cannot be looked at: Access Denied"):
        run("s3://album", "-o", str(tmp_path))
    with pytest.raises(FileError, match=r"cannot be looked at|cannot be read"):
        run("s3://album/a.png", "-o", str(tmp_path))


def test_keys_that_there_are_not(store, album, only, monkeypatch, tmp_path):
    """The store's own words."""
    only("nobody", ["s3:*"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")
    with pytest.raises(FileError, match=r"cannot be looked at: The AWS Access Key Id .* does not exist"):
        run("s3://album", "-o", str(tmp_path))
    done = run(str(album), "-o", "s3://larger/unknown")
    assert done.stderr.splitlines()[-1] == STOPPED


def test_a_store_goes_away_on_the_way(store, album, monkeypatch):
    """The next file shows it, and the others are not tried."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("short")
    from tfdeconv.cli.upscaling import worker

    def and_away(*arguments, real=worker.upscale_photograph):
        line = real(*arguments)
        server.stop()
        return line

    monkeypatch.setattr(worker, "upscale_photograph", and_away)
    done = run(str(album), "-o", "s3://short/x2")
    s3fs.S3FileSystem.clear_instance_cache()
    assert done.exit_code == 1
    error, summary = done.stderr.splitlines()
    assert error.startswith("tfdeconv: error: s3://short/x2/day/b.png cannot be written: Could not connect")
    assert summary == "1 of 4 files done, 1 failed, then stopped: the others would fail as well."


def test_a_store_that_wants_fewer_requests(store, album, monkeypatch):
    """Is asked again by its library; a file that fails then fails alone."""

    class SlowDown(http.server.BaseHTTPRequestHandler):
        def do_PUT(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            self.send_response(503)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command == "PUT" else b"")

        do_HEAD = do_GET = do_PUT  # noqa: N815

        def log_message(self, *_):
            """Say nothing."""

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowDown) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        s3fs.S3FileSystem.clear_instance_cache()
        done = run(str(album / "a.png"), str(album / "day" / "b.png"), "-o", "s3://larger/slow")
        s3fs.S3FileSystem.clear_instance_cache()
        server.shutdown()
    assert done.exit_code == 1
    first, second, summary = done.stderr.splitlines()
    assert first.startswith("tfdeconv: error: s3://larger/slow/a.png cannot be written: ")
    assert second.startswith("tfdeconv: error: s3://larger/slow/b.png cannot be written: ")
    assert summary == "0 of 2 files done, 2 failed."


def test_from_a_store_to_the_disk(store, album, tmp_path):
    """And the other way round, with the folders."""
    store.put_file(str(album / "a.png"), "album/deep/er/a.png")
    run("s3://album", "-o", str(tmp_path))
    assert (tmp_path / "deep" / "er" / "a.png").is_file()


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
