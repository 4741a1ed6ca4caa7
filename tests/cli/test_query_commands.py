"""``tfdeconv predict`` and ``tfdeconv status``, in process, against the embedded and the fake server."""

import io
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from client.fakes.fake_model import MODEL, Failures
from numpy.testing import assert_array_equal
from PIL import Image

from tfdeconv import cli

PHOTO = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run ``tfdeconv`` with arguments."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr("sys.argv", ["tfdeconv", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small picture file."""
    path = tmp_path / "photo.png"
    Image.fromarray(PHOTO).save(path)
    return path


def enlarged(image: np.ndarray) -> np.ndarray:
    """Every pixel four times."""
    return np.kron(image, np.ones((2, 2, 1), image.dtype))


@pytest.mark.parametrize("signature", [(), ("--signature", "serving_default")])
def test_a_picture_in_a_picture_out(
    run: Run, url: str, photo: Path, tmp_path: Path, signature: tuple[str, ...]
) -> None:
    """Sent as it is, or decoded for a signature that takes floats: the same pixels."""
    out = tmp_path / "out.png"
    done = run("predict", url, "--model", MODEL, "--input", photo, "--output", out, *signature)
    assert done.code == 0, done.err
    assert_array_equal(np.asarray(Image.open(out)), enlarged(PHOTO))
    assert done.out.startswith(f"{out}: ")
    name = signature[1] if signature else "serve_image_bytes"
    assert done.err.startswith(f"upscaler version 3, {name}: ")


def test_names_of_outputs_tell_the_signature(run: Run, url: str, photo: Path, tmp_path: Path) -> None:
    """A picture wanted under a name of the image signature comes from that signature."""
    out = tmp_path / "out.png"
    done = run("predict", url, "--model", MODEL, "--input", photo, "--output", f"upscaled_bytes={out}")
    assert done.code == 0, done.err
    assert done.err.startswith("upscaler version 3, serve_image_bytes: ")
    assert_array_equal(np.asarray(Image.open(out)), enlarged(PHOTO))


@pytest.mark.parametrize("suffix", ["npy", "png"])
def test_a_turned_photograph_is_sent_upright(run: Run, url: str, tmp_path: Path, suffix: str) -> None:
    """The EXIF orientation, which TensorFlow's decoders do not look at, is applied here."""
    turned, out = tmp_path / "turned.png", tmp_path / f"out.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6  # show me a quarter turn clockwise
    Image.fromarray(PHOTO).save(turned, exif=exif)
    assert run("predict", url, "--model", MODEL, "--input", turned, "--output", out).code == 0
    expected = enlarged(np.rot90(PHOTO, -1))
    if suffix == "npy":
        expected = (expected.astype(np.float32) / np.float32(255))[np.newaxis]
        assert_array_equal(np.load(out), expected, strict=True)
    else:
        assert_array_equal(np.asarray(Image.open(out)), expected)


def test_pictures_of_other_kinds(run: Run, fake_url: str, tmp_path: Path) -> None:
    """Grey becomes RGB, transparency is left out, 16 bits are kept for floats, JPEG can be written."""
    grey, deep, alpha = (tmp_path / name for name in ("grey.png", "deep.png", "alpha.tif"))
    Image.fromarray(PHOTO[..., 0]).save(grey)
    Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 257 + 1).save(deep)
    Image.fromarray(np.dstack([PHOTO, PHOTO[..., 0]])).save(alpha)
    out = tmp_path / "out.npy"
    for source, expected in [
        (grey, PHOTO[..., :1].repeat(3, -1) / 255),
        (deep, (PHOTO[..., :1].repeat(3, -1) * 257.0 + 1) / 65535),
        (alpha, PHOTO / 255),
    ]:
        done = run("predict", fake_url, "--model", MODEL, "--input", source, "--output", out)
        assert done.code == 0, done.err
        assert_array_equal(np.load(out)[0], enlarged(expected.astype(np.float32)))
    jpeg = tmp_path / "out.jpg"
    assert run("predict", fake_url, "--model", MODEL, "--input", grey, "--output", jpeg).code == 0
    with Image.open(jpeg) as picture:
        assert (picture.format, picture.size) == ("JPEG", (8, 10))


def test_probabilities_as_a_picture_get_a_hint(run: Run, url: str, tmp_path: Path) -> None:
    """The picture is written, and standard error says what it is."""
    batch, out = tmp_path / "in.npy", tmp_path / "out.png"
    np.save(batch, np.random.default_rng(0).dirichlet([1, 1, 1], (1, 3, 3)).astype(np.float32))
    done = run("predict", url, "--model", MODEL, "--input", f"image={batch}", "--output", f"upscaled={out}")
    assert done.out == f"{out}: 6x6 RGB, 8 bit\n"
    assert done.err.startswith("hint: Output 'upscaled' adds up to 1 over the channels of every pixel")


def test_an_array_in_an_array_out(run: Run, url: str, tmp_path: Path) -> None:
    """Floats unchanged."""
    batch, out = tmp_path / "in.npy", tmp_path / "out.npy"
    values = np.random.default_rng(0).random((2, 3, 3, 3), np.float32)
    np.save(batch, values)
    done = run("predict", url, "--model", MODEL, "--input", f"image={batch}", "--output", f"upscaled={out}")
    assert done.out == f"{out}: float32 [2, 6, 6, 3]\n"
    assert_array_equal(np.load(out), values.repeat(2, 1).repeat(2, 2), strict=True)


def test_named_inputs_and_printed_outputs(run: Run, url: str, tmp_path: Path) -> None:
    """Without --output the results are printed."""
    np.save(tmp_path / "a.npy", np.array([1, 2]))
    np.save(tmp_path / "b.npy", np.array([0.5, 2.0]))
    inputs = ("--input", f"count={tmp_path / 'a.npy'}", "--input", f"scale={tmp_path / 'b.npy'}")
    done = run("predict", url, "--model", MODEL, "--signature", "mixed", *inputs)
    assert done.out == "product: float32 [2]\n[0.5 4. ]\ntotal: int64 []\n3\n"


def test_large_outputs_are_summed_up(run: Run, url: str, photo: Path) -> None:
    """An image is not poured onto the screen."""
    done = run("predict", url, "--model", MODEL, "--signature", "serving_default", "--input", photo)
    low, high = PHOTO.min() / 255, PHOTO.max() / 255
    assert done.out == f"upscaled: float32 [1, 10, 8, 3], values from {low:.6g} to {high:.6g}\n"


def test_any_file_for_strings(run: Run, fake_url: str, tmp_path: Path) -> None:
    """Its bytes are sent; the answer's bytes are written."""
    source, out = tmp_path / "words.txt", tmp_path / "copy.txt"
    source.write_bytes(b"a\0b")
    done = run(
        "predict", fake_url, "--model", MODEL, "--signature", "text",
        "--input", source, "--output", f"copy_bytes={out}",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert out.read_bytes() == b"a\0b"
    done = run("predict", fake_url, "--model", MODEL, "--signature", "text", "--input", source)
    assert done.out == "copy: string [1, 1], 3 bytes\ncopy_bytes: string [1, 1], 3 bytes\n"


def test_headers_are_sent(run: Run, fake_url: str, failures: Failures) -> None:
    """As given, without the space after the colon."""
    assert run("status", fake_url, "--model", MODEL, "--header", "x-key: a:b").code == 0
    assert failures.seen[0][0]["x-key"] == "a:b"


def test_status_as_a_table(run: Run, fake_url: str) -> None:
    """Newest first, and why a version ended."""
    assert run("status", fake_url, "--model", MODEL) == Done(
        0, "VERSION  STATE      ERROR\n3        AVAILABLE\n2        END        INTERNAL: out of memory\n", ""
    )


def test_status_as_json(run: Run, fake_url: str) -> None:
    """One document."""
    document = json.loads(run("status", fake_url, "--model", MODEL, "--json").out)
    assert document["model"] == MODEL
    assert document["versions"][1] == {
        "version": 2,
        "state": "END",
        "error_code": "INTERNAL",
        "error_message": "out of memory",
    }
    document = json.loads(run("status", fake_url, "--model", MODEL, "--json", "--signatures").out)
    assert document["signatures"]["half"]["inputs"] == {
        "x": {"dtype": "float16", "shape": [None], "optional": False}
    }


def test_status_lists_signatures(run: Run, url: str) -> None:
    """With what they take and give."""
    done = run("status", url, "--model", MODEL, "--version", 3, "--signatures")
    assert done.out.startswith("VERSION  STATE\n3        AVAILABLE\n\n")
    lines = "serving_default\n  takes  image: float32 [?, ?, ?, 3]\n  gives  upscaled: float32 [?, ?, ?, 3]\n"
    assert lines in done.out


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_several_servers(run: Run, fake_urls: dict[str, str], photo: Path, protocol: str) -> None:
    """Each has its rows, also one that is away, which makes the exit code 1; any of them predicts."""
    there = fake_urls[protocol]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"{there.partition(':')[0]}://127.0.0.1:{closed.getsockname()[1]}"
        done = run("status", away, there, "--model", MODEL)
        assert (done.code, done.err) == (1, "")
        heading, first, second, third = done.out.splitlines()
        width = max(len(away), len(there))
        assert heading == f"{'SERVER':<{width}}  VERSION  STATE      ERROR"
        assert first.startswith(f"{away:<{width}}  -        -          {away} cannot be reached: ")
        assert second == f"{there:<{width}}  3        AVAILABLE"
        assert third == f"{there:<{width}}  2        END        INTERNAL: out of memory"
        document = json.loads(run("status", away, there, "--model", MODEL, "--json").out)
        assert [one["url"] for one in document["endpoints"]] == [away, there]
        assert document["endpoints"][0]["versions"] == []
        assert "cannot be reached" in document["endpoints"][0]["error"]
        assert document["endpoints"][1]["versions"][0]["version"] == 3
        asked = run("predict", away, there, "--model", MODEL, "--input", photo)
        assert asked.code == 0, asked.err
    mixed = run("status", *fake_urls.values(), "--model", MODEL)
    assert mixed.code == 2
    assert "The servers of one client speak one protocol" in mixed.err


def test_a_name_of_servers(run: Run, fake_url: str) -> None:
    """Its addresses are shown; both servers must have a version for the exit code 0."""
    scheme, _, place = fake_url.partition("://")
    named = f"{scheme}+dns://{place}"
    done = run("status", named, "--model", MODEL)
    assert done.out.splitlines()[1].startswith(f"{scheme}://127.0.0.1:")
    assert done.code == 0


OUTSIDE = ("--input none.png", "--output no/", "Servable ", "Model ", "--input {broken_npy}", "{broken_png}")
"""Beginnings of messages about files and servers; the others are about arguments."""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--input", "none.png"], "--input none.png: there is no such file."),
        (["--input", "{photo}", "--output", "no/out.png"], "--output no/out.png: there is no folder no."),
        (["--input", "{photo}", "--model", "m"], "Servable not found for request: Latest(m)"),
        (["--input", "{photo}", "--header", "x"], "--header must be 'name: value'; received 'x'."),
        (
            ["--input", "{photo}", "--signature", "nope"],
            "Model 'upscaler' (version 3) has no signature 'nope'; it has: ",
        ),
        (
            ["--input", "{photo}", "--signature", "mixed"],
            "Signature 'mixed' is (count: int64 [?], scale: float32 [?]) -> ",
        ),
        (
            ["--input", "x={photo}"],
            "--input x={photo}: there is no input 'x'. Signature 'serving_default' is (",
        ),
        (
            ["--input", "{photo}", "--output", "x=o.png"],
            "--output x=o.png: there is no output 'x'. Signature 'serving_default' is (",
        ),
        (["--input", "{photo}", "--input", "{photo}"], "--input {photo}: give each file its own name, as in"),
        (
            ["--input", "{photo}", "--input", "a={photo}"],
            "--input {photo} needs a name, as in --input NAME=FILE.",
        ),
        (
            ["--input", "{photo}", "--signature", "serve_image_bytes", "--output", "{tmp}/o.jpg"],
            "The model answers with a PNG; let --output",
        ),
        (["--input", "{text}"], "--input {text} must be a .npy array or a picture (.png, "),
        (["--input", "{broken_npy}"], "--input {broken_npy} is not a NumPy array file: "),
        (
            ["--input", "{broken_png}", "--signature", "serving_default"],
            "{broken_png} is no picture; PNG, JPEG, ",
        ),
        (
            ["--input", "{photo}", "--signature", "half"],
            "--input {photo} is a picture, but the input takes float16 [?]; pass a .npy array of that shape.",
        ),
        (
            ["--input", "{photo}", "--signature", "serving_default", "--output", "{tmp}/o.txt"],
            "--output {tmp}/o.txt must end in .npy or .png, ",
        ),
        (
            ["--input", "{batch}", "--output", "{tmp}/o.png"],
            "Output 'upscaled' of shape [2, 2, 2, 3] is not one picture; write it to a .npy file.",
        ),
        (
            ["--input", "{photo}", "--signature", "serve_image_bytes", "--output", "{tmp}/o.npy"],
            "Output 'upscaled_bytes' holds strings, which a .npy file cannot;",
        ),
    ],
)
def test_mistakes_are_one_line(
    run: Run, fake_url: str, photo: Path, tmp_path: Path, arguments: list[str], line: str
) -> None:
    """On standard error, without a traceback; exit code 1 for files and servers, 2 for arguments."""
    files = {"photo": photo, "tmp": tmp_path}
    for name, content in {"text.txt": b"hello", "broken.npy": b"nonsense", "broken.png": b"\x89PNG"}.items():
        (tmp_path / name).write_bytes(content)
    files |= {"text": tmp_path / "text.txt", "batch": tmp_path / "batch.npy"}
    files |= {"broken_npy": tmp_path / "broken.npy", "broken_png": tmp_path / "broken.png"}
    np.save(files["batch"], np.zeros((2, 1, 1, 3), np.float32))
    done = run("predict", fake_url, "--model", MODEL, *[text.format(**files) for text in arguments])
    assert done.code == (1 if line.startswith(OUTSIDE) else 2)
    assert done.err.startswith("tfdeconv: error: " + line.format(**files))
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", [["status"], ["predict", "--input", __file__]])
@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_no_server(run: Run, command: list[str], scheme: str) -> None:
    """One line that names the URL."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{closed.getsockname()[1]}"
        done = run(*command, url, "--model", MODEL)
    assert done.code == 1
    assert done.err.startswith(f"tfdeconv: error: {url} cannot be reached: ")
    assert done.err.count("\n") == 1


def test_an_unwritable_output(run: Run, fake_url: str, photo: Path, tmp_path: Path) -> None:
    """One line with the system's reason."""
    out = tmp_path / "out.png"
    out.mkdir()
    done = run("predict", fake_url, "--model", MODEL, "--input", photo, "--output", out)
    assert done.err == f"tfdeconv: error: --output {out} is a folder. Choose another name.\n"
    done = run("predict", fake_url, "--model", MODEL, "--input", photo, "--output", f"upscaled={out}")
    assert done.code == 1
    assert str(out) in done.err
    assert done.err.count("\n") == 1


def test_a_truncated_picture_is_refused_by_the_server(run: Run, embedded_server, tmp_path: Path) -> None:
    """Its message, on one line."""
    whole = io.BytesIO()
    Image.fromarray(PHOTO).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:50])
    for url in (embedded_server.grpc_url, embedded_server.rest_url):
        done = run("predict", url, "--model", MODEL, "--input", tmp_path / "cut.png")
        assert done.code == 1
        # TensorFlow's own log goes to the same place, and the server is in this process.
        (line,) = (line for line in done.err.splitlines() if line.startswith("tfdeconv: "))
        assert "PNG" in line
        assert done.err.endswith(line + "\n")


def test_help_shows_examples(run: Run) -> None:
    """A newcomer finds a line to copy."""
    for name, example in {
        "predict": "tfdeconv predict grpc://localhost:8500 --model upscaler",
        "status": "tfdeconv status grpc://localhost:8500 --model upscaler",
    }.items():
        assert example in run(name, "--help").out
