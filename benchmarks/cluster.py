"""What a Ray cluster brings, and what it costs.

``python benchmarks/cluster.py bulk`` enlarges the same photographs by one process and by processes of Ray on
this machine (``pip install 'tfdeconv[cluster]'``), and checks that all write the same bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import numpy as np
from PIL import Image

from tfdeconv.cli.commands.demo import PHOTO


@click.group(help=__doc__)
def main() -> None:
    """Measure."""


@main.command()
@click.option("--photos", default=60, show_default=True, help="How many photographs.")
@click.option("--width", default=640, show_default=True, help="Of each, in pixels.")
@click.option("--workers", default=[1, 2], multiple=True, show_default=True, help="Processes of Ray.")
def bulk(photos: int, width: int, workers: tuple[int, ...]) -> None:
    """Photographs a second, of the whole run and after the first result, against one process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder / "photos", photos, width)
        cases = {"one process": ["--engine", "local"]}
        cases |= {f"ray, {n} workers": ["--engine", "ray", "--workers", str(n)] for n in workers}
        rates = {case: _run(folder, str(i), options) for i, (case, options) in enumerate(cases.items())}
        wanted = _contents(folder / "0")
        for i in range(1, len(cases)):
            assert _contents(folder / str(i)) == wanted, "results differ"
    click.echo(f"{photos} photographs of {width} pixels' width, doubled; {os.cpu_count()} CPUs")
    click.echo(f"{'':18}{'first result':>14}{'whole run':>12}{'a second then':>15}{'over one':>10}")
    one = rates["one process"][2]
    for case, (first, whole, rate) in rates.items():
        click.echo(f"{case:18}{first:12.1f} s{whole:10.1f} s{rate:15.2f}{rate / one:9.2f}x")


def _make(folder: Path, photos: int, width: int) -> None:
    folder.mkdir()
    with Image.open(PHOTO) as photo:
        picture = photo.convert("RGB")
        picture = picture.resize((width, width * picture.height // picture.width))
    pixels = np.asarray(picture)
    for number in range(photos):
        Image.fromarray(np.roll(pixels, number, 1)).save(folder / f"{number}.jpg", quality=95)


def _run(folder: Path, name: str, options: list[str]) -> tuple[float, float, float]:
    """Return seconds until the first result and until the end, and results a second between the two."""
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", str(folder / "photos"), "-o"]
    command += [str(folder / name), *options]
    start = time.perf_counter()
    times = []
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for _ in process.stdout:
            times.append(time.perf_counter() - start)
    assert process.returncode == 0, f"{name} failed"
    whole = time.perf_counter() - start
    return times[0], whole, (len(times) - 1) / (times[-1] - times[0])


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.jpg")}


if __name__ == "__main__":
    main()
