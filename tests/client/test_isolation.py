"""What importing and using a client must not drag in."""

import subprocess
import sys
import textwrap

import pytest

# A fresh interpreter refuses to import the packages named on its command line, connects and prints.
SCRIPT = """
import sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[2].split(","):
            raise ModuleNotFoundError(f"{name} must not be imported", name=name)

sys.meta_path.insert(0, Guard())
import tfdeconv as td
with td.client.connect(sys.argv[1], model="upscaler") as client:
    print(client.predict({"count": [2, 3], "scale": [0.5, 1]}, signature="mixed")["product"].tolist())
"""


def query(url: str, *forbidden: str) -> subprocess.CompletedProcess[str]:
    """Query the server from a process where some packages cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), url, ",".join(forbidden)],
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_rest_needs_numpy_and_httpx_only(fake_urls: dict[str, str]) -> None:
    """Neither TensorFlow nor gRPC nor any other optional package is touched."""
    done = query(
        fake_urls["rest"], "tensorflow", "keras", "grpc", "google", "orjson", "ml_dtypes", "PIL", "starlette"
    )
    assert (done.returncode, done.stdout) == (0, "[1.0, 3.0]\n"), done.stderr


def test_grpc_needs_no_tensorflow(fake_urls: dict[str, str]) -> None:
    """Nor the generated messages of tensorflow-serving-api, which import it."""
    done = query(fake_urls["grpc"], "tensorflow", "tensorflow_serving", "keras", "httpx", "ml_dtypes", "PIL")
    assert (done.returncode, done.stdout) == (0, "[1.0, 3.0]\n"), done.stderr


@pytest.mark.parametrize(
    ("protocol", "needed", "message"),
    [
        ("rest", "numpy", "numpy must not be imported"),
        ("rest", "httpx", "needs the package 'httpx'. Install it with: pip install 'tfdeconv[serving]'"),
        ("grpc", "grpc", "needs the package 'grpc'. Install it with: pip install 'tfdeconv[serving]'"),
        ("grpc", "google", "needs the package 'google'. Install it with: pip install 'tfdeconv[serving]'"),
    ],
)
def test_the_guard_can_fail(fake_urls: dict[str, str], protocol: str, needed: str, message: str) -> None:
    """What a client does need is caught by the same guard."""
    done = query(fake_urls[protocol], needed)
    assert done.returncode != 0
    assert message in done.stderr


def test_importing_the_rest_module_imports_no_tensorflow() -> None:
    """``tfdeconv.client.rest`` by itself."""
    script = "import sys, tfdeconv.client.rest; print({'tensorflow', 'keras', 'grpc'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200)
    assert done.stdout == "set()\n", done.stderr
