"""The pages as they are served: their own files alone, under headers that let nothing else in."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection

import pytest
from click.testing import CliRunner

from tfdeconv.cli.commands.explain import command
from tfdeconv.errors import ServingError
from tfdeconv.web import PageServer, find_page
from tfdeconv.web.pages import FOLDER


@pytest.fixture(scope="module")
def server():
    with PageServer() as server:
        yield server


def ask(server, path, method="GET"):
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer, answer.read()


@pytest.mark.parametrize(
    "path", ["/explorer/", "/explorer/index.html", "/explorer/element.js?x=1", "/theme.css"]
)
def test_pages_are_served_with_their_type_and_policy(server, path):
    """A module of another type would not run, and nothing of another origin may."""
    answer, content = ask(server, path)
    assert answer.status == 200
    assert content
    kind = {"js": "text/javascript", "css": "text/css"}.get(
        path.partition("?")[0].rpartition(".")[2], "text/html"
    )
    assert answer.headers["Content-Type"].startswith(kind)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/explorer",
        "/../errors.py",
        "/explorer/../../errors.py",
        "/%2e%2e/%2e%2e/pyproject.toml",
        "/pages.py",
        "/package.json",
        "/explorer/%00.js",
        "/..%5c..%5cx.js",
        "//etc/passwd",
    ],
)
def test_nothing_else_is_served(server, path):
    """No file outside the folder, no source, no listing."""
    answer, content = ask(server, path)
    assert (answer.status, content) == (404, b"There is no such page.\n")


def test_every_file_of_the_pages_is_served():
    """What the folder holds for browsers is found by its path."""
    files = [path for path in FOLDER.rglob("*") if path.suffix in (".html", ".css", ".js")]
    assert len(files) > 20
    for path in files:
        page = find_page(f"/{path.relative_to(FOLDER)}")
        assert page is not None
        assert page.content == path.read_bytes()


def test_the_home_page_and_head(server):
    """`/` leads to the page, HEAD sends no content, other methods are refused."""
    answer, _ = ask(server, "/")
    assert (answer.status, answer.headers["Location"]) == (302, "/explorer/")
    answer, content = ask(server, "/explorer/", "HEAD")
    assert (answer.status, content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100
    assert ask(server, "/explorer/", "POST")[0].status == 501


def test_no_page_speaks_of_another_machine():
    """Nothing is fetched from elsewhere: the sources hold no address."""
    for path in FOLDER.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            addresses = re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]{2,}", path.read_text())
            assert addresses == [], path


def test_a_port_in_use_is_said_in_words():
    """The error names the address and the way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match=rf"127\.0\.0\.1:{port}: .*Choose another port, or 0"):
            PageServer(port=port)


def test_explain_serves_until_it_is_told_to_stop():
    """`tfdeconv explain --serve` prints the address with the configuration, and ends with code 0."""
    arguments = ["--torch", "--dims", "1", "--input", "4", "--padding", "1", "--values=1,-2,3,4", "--serve"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from tfdeconv.cli import main; main()", "explain", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"Open http://127\.0\.0\.1:(\d+)/explorer/#(\S+)\n", line)
        assert found, line + process.stderr.read()
        with closing(HTTPConnection("127.0.0.1", int(found[1]), timeout=60)) as connection:
            connection.request("GET", "/explorer/")
            assert connection.getresponse().status == 200
        state = dict(entry.split("=") for entry in found[2].split("&"))
        assert state == {
            "dims": "1",
            "words": "torch",
            "input": "4",
            "kernel": "3",
            "stride": "2",
            "dilation": "1",
            "padding": "1",
            "values": "1,-2,3,4",
            "weights": "ones",
        }
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dims", "3"], "--serve draws 1 or 2 axes; received 3"),
        (["--figure", "x.png", "--filters", "4"], "--serve goes without --figure and --filters"),
    ],
)
def test_explain_serves_what_can_be_drawn(arguments, words):
    """What the page does not show is refused, not left out."""
    result = CliRunner().invoke(command, ["--serve", *arguments])
    assert words in str(result.exception)
