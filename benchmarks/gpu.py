"""tfdeconv's graphs on a GPU that has JAX and PyTorch but no TensorFlow, beside PyTorch's own.

    python benchmarks/gpu.py prepare DIR    # here: lowers every case to HLO and StableHLO
    python DIR/gpu.py run DIR               # there: needs NumPy and JAX, and PyTorch for the comparison

``run`` imports neither TensorFlow nor tfdeconv. It checks every program against the processor's numbers, and
times programs and PyTorch (cuDNN benchmarking, both memory formats) in turns, in TF32, bfloat16 and float32,
and prints a table for each. ``results.json`` in DIR grows as it goes. It ends within ``--seconds``; what was
not reached then is named. Without a GPU it runs on JAX's processor backend: a trial of the path, no more.

These are XLA's figures: on a GPU it calls cuDNN for the convolutions that it recognises, as TensorFlow does
with ``jit_compile=True``. TensorFlow without XLA calls cuDNN directly.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

PRECISIONS = ("tf32", "bfloat16", "float32")
"""In the order in which they are measured."""
TOLERANCES = {"tf32": 5e-3, "bfloat16": 5e-2, "float32": 5e-4}
"""Largest difference from the processor's float32, relative to the largest output."""
FORMATS = ("torch NCHW", "torch NHWC")
TURNS = 5
BURST_S = 0.02
"""Seconds of one contender's turn, within which the calls are not waited for one by one."""
CASE_S = 2.0
"""No further turn begins after so many seconds."""
GRACE_S = 30.0
"""A compilation or a call cannot be interrupted: so long after the time to stop at, the process ends."""
NOT_REACHED = "not reached"


def integers(source: dict[str, Any]) -> np.ndarray:
    """Return an input or kernel: whole numbers of 8 bits times a power of two, the same everywhere."""
    generator = np.random.RandomState(source["seed"])  # its stream is frozen, unlike default_rng's
    numbers = generator.randint(-127, 128, size=source["shape"]) / 64
    return (numbers * source["scale"]).astype(np.float32)


class Xla:
    """JAX's runtime, which runs a serialized program without JAX's own tracing."""

    def __init__(self) -> None:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory too
        import jax
        from jax.extend.backend import get_backend

        try:
            from jax._src.lib import xla_client
        except ImportError:
            from jaxlib import xla_client
        self._jax, self._client = jax, xla_client
        self._backend = get_backend()
        self._device = self._backend.devices()[0]
        self.name = f"jax {jax.__version__}, {self._device.platform} ({self._device.device_kind})"

    def array(self, value: np.ndarray, dtype: str) -> Any:
        """Return ``value`` on the device."""
        return self._jax.device_put(value.astype(self._jax.numpy.dtype(dtype)), self._device)

    def _modules(self, stem: Path) -> list[tuple[str, Any]]:
        """The program as what the runtime may take: StableHLO as it was written, or made from HLO."""
        modules: list[tuple[str, Any]] = []
        try:
            modules.append(("StableHLO", stem.with_name(f"{stem.name}.stablehlo").read_bytes()))
        except OSError as error:
            modules.append(("StableHLO", error))
        try:
            computation = self._client.XlaComputation(stem.with_name(f"{stem.name}.hlo").read_bytes())
            modules.append(("HLO", self._client._xla.mlir.xla_computation_to_mlir_module(computation)))
        except (AttributeError, OSError, RuntimeError, ValueError) as error:
            modules.append(("HLO", error))
        return modules

    def compile(self, stem: Path) -> tuple[Any, str]:
        """Return the executable of the program ``stem`` and which of its two forms was taken."""
        options, refusals = self._client.CompileOptions(), []
        device_lists: list[Any] = [[self._device]]
        if hasattr(self._client, "DeviceList"):
            device_lists.insert(0, self._client.DeviceList((self._device,)))
        for form, module in self._modules(stem):
            if isinstance(module, Exception):
                refusals.append(f"{form}: {module}")
                continue
            for devices in device_lists:
                try:
                    return self._backend.compile_and_load(module, devices, options), form
                except Exception as error:  # the runtime's own types differ between versions
                    refusals.append(f"{form}: {type(error).__name__}: {error}")
        raise RuntimeError(" | ".join(line.splitlines()[0][:300] for line in refusals))

    def run(self, executable: Any, arrays: list[Any], times: int) -> np.ndarray | None:
        """Run so many times and wait for the last."""
        for _ in range(times):
            results = executable.execute_sharded(arrays)
        ((output, *_),) = results.disassemble_into_single_device_arrays()
        output.block_until_ready()
        return output


class Torch:
    """PyTorch's form of a case, in one memory format and precision."""

    def __init__(self) -> None:
        import torch

        self._torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.backends.cudnn.benchmark = True
        kind = torch.cuda.get_device_name() if self.device == "cuda" else "cpu"
        self.name = f"PyTorch {torch.__version__}, {kind}"

    def set_precision(self, precision: str) -> None:
        """Allow or forbid TF32."""
        self._torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        self._torch.backends.cudnn.allow_tf32 = precision == "tf32"

    def contender(self, case: dict[str, Any], arrays: Any, precision: str, last: bool) -> Any:
        """Return a call that runs the case so many times, waits, and returns the last output."""
        torch, functional = self._torch, self._torch.nn.functional
        rank = len(case["shape"]) - 2
        layout = torch.contiguous_format
        if last:
            layout = torch.channels_last if rank == 2 else torch.channels_last_3d
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32

        def tensor(value: np.ndarray, *order: int) -> Any:
            moved = torch.from_numpy(np.ascontiguousarray(value.transpose(order) if order else value))
            moved = moved.to(self.device, dtype)
            return moved.to(memory_format=layout) if moved.ndim == rank + 2 else moved

        swap = (rank + 1, rank, *range(rank))  # [*taps, a, b] -> [b, a, *taps]
        first = (0, rank + 1, *range(1, rank + 1))
        x = tensor(integers(case["inputs"][0]), *first)
        window = (slice(None), slice(None), *map(slice, case["shape"][1:-1]))
        transposes = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d}
        conv_transpose = transposes.get(rank, functional.conv_transpose3d)
        spec = case["torch"]
        if case["kind"] == "layer":
            kernel = tensor(integers(case["inputs"][1]), *swap)

            def compute() -> Any:
                return conv_transpose(
                    x, kernel, None, spec["stride"], spec["lead"], spec["extra"], spec["groups"]
                )[window]
        elif case["kind"] == "bilinear":

            def compute() -> Any:
                return functional.interpolate(x, scale_factor=spec["scale"], mode="bilinear")
        else:
            weights = [
                [tensor(w, *swap) if w.ndim == rank + 2 else tensor(w.reshape(-1)) for w in stored]
                for stored in ([arrays[key] for key in step["weights"]] for step in spec["steps"])
            ]

            def compute() -> Any:
                hidden = x
                for step, stored in zip(spec["steps"], weights, strict=True):
                    if step["kind"] == "shift":
                        hidden = hidden + step["offset"]
                    elif step["kind"] == "leaky":
                        hidden = functional.leaky_relu(hidden, step["slope"])
                    elif step["kind"] == "prelu":
                        hidden = functional.prelu(hidden, *stored)
                    elif step["kind"] == "conv":
                        hidden = functional.conv2d(hidden, *stored, padding=stored[0].shape[-1] // 2)
                    else:
                        extra = int(2 * step["lead"] + step["stride"] > stored[0].shape[-1])
                        hidden = conv_transpose(hidden, *stored, step["stride"], step["lead"], extra)
                base = functional.interpolate(x, scale_factor=spec["scale"], mode="bilinear")
                return (base + hidden[window]).float()

        def run(times: int) -> np.ndarray:
            with torch.inference_mode():
                for _ in range(times):
                    output = compute()
                if self.device == "cuda":
                    torch.cuda.synchronize()
            return output

        return run, lambda output: np.moveaxis(output.float().cpu().numpy(), 1, -1)


def difference(case: dict[str, Any], arrays: Any, output: np.ndarray) -> float:
    """Return the largest difference from the expected samples, relative to the largest output."""
    if output.shape != tuple(case["shape"]):
        raise ValueError(f"shape {output.shape} instead of {tuple(case['shape'])}")
    got = np.asarray(output, np.float32).reshape(-1)[:: case["step"]]
    error = float(np.abs(got - arrays[f"{case['number']}/expected"]).max()) / case["scale"]
    return math.inf if math.isnan(error) else error


def race(runs: dict[str, Any], end: float) -> dict[str, float]:
    """Return the shortest milliseconds of one call for each contender; they take turns, in bursts."""
    calls, best = {}, dict.fromkeys(runs, math.inf)
    end = min(end, time.perf_counter() + CASE_S)
    for name, run in runs.items():
        start = time.perf_counter()
        run(2)
        calls[name] = math.ceil(2 * BURST_S / (time.perf_counter() - start))
    for turn in range(TURNS):
        if turn and time.perf_counter() > end:
            break
        for name, run in runs.items():
            start = time.perf_counter()
            run(calls[name])
            best[name] = min(best[name], 1000 * (time.perf_counter() - start) / calls[name])
    return best


def measure(
    case: dict[str, Any], precision: str, folder: Path, arrays: Any, xla: Xla, torch: Torch | None, end: float
) -> list[dict[str, Any]]:
    """Check and time the contenders of one case; one that fails says why, and the others go on."""
    rows: list[dict[str, Any]] = []
    runs: dict[str, Any] = {}

    def enter(name: str, make: Any) -> None:
        row: dict[str, Any] = {"case": case["name"], "precision": precision, "contender": name}
        rows.append(row)
        if time.perf_counter() > end:
            row["failure"] = NOT_REACHED
            return
        start = time.perf_counter()
        try:
            run, to_numpy, row["form"] = make()
            row["error"] = difference(case, arrays, to_numpy(run(1)))
            if not row["error"] <= TOLERANCES[precision]:
                row["failure"] = f"differs by {row['error']:.2g} of the largest output"
            else:
                runs[name] = run
        except Exception as error:
            row["failure"] = f"{type(error).__name__}: {str(error).splitlines()[0][:300]}"
        row["first_call_s"] = round(time.perf_counter() - start, 3)

    def program(stored: dict[str, Any]) -> Any:
        executable, form = xla.compile(folder / stored["file"])
        values = [
            xla.array(integers(source) if isinstance(source, dict) else arrays[source], dtype)
            for source, dtype in stored["parameters"]
        ]
        return lambda times: xla.run(executable, values, times), lambda output: np.asarray(output), form

    for stored in case["programs"]:
        if stored["precision"] == precision:
            enter(stored["contender"], lambda stored=stored: program(stored))
    if torch is not None:
        torch.set_precision(precision)
        for last, name in enumerate(FORMATS):
            enter(name, lambda last=last: (*torch.contender(case, arrays, precision, bool(last)), "PyTorch"))
    times = race(runs, end)
    for row in rows:
        if row["contender"] in times:
            row["milliseconds"] = times[row["contender"]]
    return rows


def table(rows: list[dict[str, Any]], kind: str, precision: str) -> str:
    """Return the times of one kind of case in one precision; the shortest of each row is bold."""
    rows = [row for row in rows if row["kind"] == kind and row["precision"] == precision]
    columns = list(dict.fromkeys(row["contender"] for row in rows))
    columns.sort(key=lambda name: name in FORMATS)
    if not rows:
        return f"{kind}, {precision}: {NOT_REACHED}"
    lines = [f"| {kind}, {precision}, ms | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for case in dict.fromkeys(row["case"] for row in rows):
        times = {row["contender"]: row for row in rows if row["case"] == case}
        best = min((row.get("milliseconds", math.inf) for row in times.values()), default=math.inf)
        cells = []
        for name in columns:
            row = times.get(name, {})
            ms = row.get("milliseconds")
            text = "-" if not row else row.get("failure", "?").split(":")[0] if ms is None else f"{ms:.4f}"
            cells.append(f"**{text}**" if ms is not None and ms == best else text)
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines)


def rule(rows: list[dict[str, Any]], precision: str) -> list[str]:
    """Return where another lowering than `gradient` was faster: what a rule for GPUs has to know."""
    lines = []
    layers = [row for row in rows if row["kind"] == "layer" and row["precision"] == precision]
    for case in dict.fromkeys(row["case"] for row in layers):
        times = {
            row["contender"]: row["milliseconds"]
            for row in layers
            if row["case"] == case and "milliseconds" in row and row["contender"] not in FORMATS
        }
        if "gradient" in times:
            best = min(times, key=times.__getitem__)
            gain = times["gradient"] / times[best]
            if gain > 1.05:
                lines.append(f"{precision}: {case}: {best} is {gain:.2f} times as fast as gradient")
    if layers and not lines:
        lines.append(f"{precision}: no lowering beats gradient by more than 5% in what was reached")
    return lines


def run(folder: Path, seconds: float, with_torch: bool, only: str) -> int:
    """Measure the cases with ``only`` in their names within ``seconds``; return how many programs failed."""
    end = time.perf_counter() + seconds
    manifest = json.loads((folder / "manifest.json").read_text())
    arrays = np.load(folder / "arrays.npz")
    xla = Xla()
    torch = None
    if with_torch:
        try:
            torch = Torch()
        except ImportError:
            print("PyTorch is not installed: no comparison.")
    machine = [xla.name, torch.name if torch else "no PyTorch", f"Python {platform.python_version()}"]
    print(f"{'; '.join(machine)}; lowered by TensorFlow {manifest['tensorflow']}\n", flush=True)
    rows: list[dict[str, Any]] = []
    watchdog = threading.Timer(seconds + GRACE_S, lambda: give_up(rows))
    watchdog.daemon = True
    watchdog.start()
    for precision in PRECISIONS:
        for case in (case for case in manifest["cases"] if only in case["name"]):
            found = measure(case, precision, folder, arrays, xla, torch, end)
            rows += [{"kind": case["kind"], **row} for row in found]
            (folder / "results.json").write_text(
                json.dumps({"machine": machine, "results": rows}, indent=1) + "\n"
            )
            left = max(end - time.perf_counter(), 0)
            print(f"{precision}, {case['name']}: {left:.0f} s left", file=sys.stderr, flush=True)
    watchdog.cancel()
    return report(rows)


def give_up(rows: list[dict[str, Any]]) -> None:
    """Report what there is and end the process, whatever compiles or runs."""
    report(list(rows))
    print(f"given up {GRACE_S:g} seconds after the time to stop at: one case took too long", flush=True)
    os._exit(3)


def report(rows: list[dict[str, Any]]) -> int:
    """Print the tables, what follows for a rule, and what failed; return how many failed."""
    reached = [row for row in rows if row.get("failure") != NOT_REACHED]
    for precision in PRECISIONS:
        for kind in ("layer", "bilinear", "model"):
            print(f"{table(reached, kind, precision)}\n")
    print("\n".join(line for precision in PRECISIONS for line in rule(reached, precision)))
    failed = [row for row in reached if "failure" in row]
    for row in failed:
        print(f"FAILED {row['precision']}, {row['case']}, {row['contender']}: {row['failure']}")
    missing = [f"{row['precision']}, {row['case']}" for row in rows if row not in reached]
    for case in dict.fromkeys(missing):
        print(f"{NOT_REACHED}: {case} ({missing.count(case)} contenders)")
    return len(failed)


def main() -> None:
    """Prepare here, run there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["prepare", "run"])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=420.0, help="run: time to stop at (default 420)")
    parser.add_argument("--no-torch", action="store_true", help="run: leave PyTorch out")
    parser.add_argument("--only", default="", help="run: the cases with this in their names")
    parser.add_argument("--small", action="store_true", help="prepare: tiny cases, to try the path")
    arguments = parser.parse_args()
    if arguments.step == "prepare":
        from gpu_cases import prepare

        prepare(arguments.folder, small=arguments.small)
    elif not (arguments.folder / "manifest.json").is_file():
        parser.error(f"there is no manifest.json in {arguments.folder}: run `gpu.py prepare` first")
    else:
        sys.exit(1 if run(arguments.folder, arguments.seconds, not arguments.no_torch, arguments.only) else 0)


if __name__ == "__main__":
    main()
