"""Contenders on one case: checked for equal numbers, timed in turns, and shown in one table.

The time of a contender is the shortest of many runs. Contenders take turns, so that another process, a
warming processor or a change of its clock reaches all of them alike; what disturbs a run only adds to it.
A turn is a burst of runs, so that neither the caches nor the spinning threads of the contender before
count.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfdeconv.cli.tensorflow_import import import_tensorflow

import_tensorflow()  # without its notices; so import this module before keras

# Before PyTorch is imported: its threads must not spin on the cores while the next contender runs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

FOLDER = Path(__file__).parents[2] / "build" / "benchmarks"
TOLERANCE = 1e-4
"""Largest difference between contenders, relative to the largest output."""

BURST_S = 0.03
LEAST_BURST = 4
"""A turn: as many runs as take this long, and no fewer than this."""

Run = Callable[[], Any]


@dataclass(frozen=True)
class Result:
    """Milliseconds of each contender of a case."""

    table: str
    case: str
    milliseconds: dict[str, float]


def check(case: str, outputs: Mapping[str, np.ndarray]) -> None:
    """Stop where a contender's output differs from the first one's."""
    (reference_name, reference), *others = outputs.items()
    for name, output in others:
        difference = float(np.max(np.abs(output - reference)))
        if output.shape != reference.shape or difference > TOLERANCE * float(np.max(np.abs(reference))):
            raise SystemExit(f"{case}: {name} differs from {reference_name} by {difference:.1e}.")


def race(runs: Mapping[str, Run], seconds: float, *, least_turns: int = 3) -> dict[str, float]:
    """Return the shortest time of each contender, in milliseconds."""
    best = dict.fromkeys(runs, math.inf)
    turns, end = 0, time.perf_counter() + seconds
    while turns < least_turns or time.perf_counter() < end:
        for name, run in runs.items():
            best[name] = min(best[name], _burst(run))
        turns += 1
    return best


def _burst(run: Run) -> float:
    """Return the shortest of the runs of one turn."""
    shortest, done, end = math.inf, 0, time.perf_counter() + BURST_S
    while done < LEAST_BURST or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        shortest = min(shortest, 1000 * (time.perf_counter() - start))
        done += 1
    return shortest


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def table(
    results: Sequence[Result], ours: str, columns: Sequence[str], of_peak: Mapping[str, str] | None = None
) -> str:
    """Return one line for each case: milliseconds, and how many times faster ``ours`` is in brackets.

    ``of_peak``, by case, is shown in a last column.
    """
    width = max(len(result.case) for result in results)
    head = "".join(f"{column:>22}" for column in columns)
    lines = [f"{'':{width}}{head}" + (f"{'of peak':>18}" if of_peak else "")]
    for result in results:
        cells = []
        for column in columns:
            ms = result.milliseconds.get(column)
            if ms is None:
                cells.append("-")
            elif column == ours:
                cells.append(f"{ms:.2f}")
            else:
                cells.append(f"{ms:.2f} ({ms / result.milliseconds[ours]:.2f}x)")
        line = f"{result.case:{width}}" + "".join(f"{cell:>22}" for cell in cells)
        lines.append(line + (f"{of_peak[result.case]:>18}" if of_peak else ""))
    return "\n".join(lines)


def machine() -> str:
    """Return the processor's cores and widest vectors."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine()
    return f"{flags.count('processor	:')} cores, {vectors}"


def merged(name: str, results: Sequence[Result]) -> list[Result]:
    """Return the results with the shorter of their times and those that the last run wrote."""
    try:
        stored = json.loads((FOLDER / f"{name}.json").read_text())
    except FileNotFoundError:
        return list(results)
    if stored["machine"] != machine():
        raise SystemExit(f"{FOLDER / name}.json is of another machine: {stored['machine']}.")
    earlier = {result["case"]: result["milliseconds"] for result in stored["results"]}
    return [
        replace(
            result,
            milliseconds={
                key: min(ms, earlier.get(result.case, {}).get(key, math.inf))
                for key, ms in result.milliseconds.items()
            },
        )
        for result in results
    ]


def write(name: str, results: Sequence[Result], ours: str) -> None:
    """Write the results as JSON and as a bar chart of the ratios, ``build/benchmarks/<name>.*``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    FOLDER.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "results": [asdict(result) for result in results]}
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    others = list(dict.fromkeys(key for result in results for key in result.milliseconds if key != ours))
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.16 * len(results) * (len(others) + 1)))
    height = 0.8 / len(others)
    for number, other in enumerate(others):
        places, beyond_one = [], []  # bars begin at 1: as long as ours
        for row, result in enumerate(results):
            if other in result.milliseconds:
                places.append(row + (number - (len(others) - 1) / 2) * height)
                beyond_one.append(result.milliseconds[other] / result.milliseconds[ours] - 1)
        axes.barh(places, beyond_one, height, left=1, label=other)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(results)), [result.case for result in results])
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(f"time of the contender / time of {ours}  ({machine()})")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
    figure.savefig(FOLDER / f"{name}.png", dpi=120, bbox_inches="tight")
    pyplot.close(figure)
