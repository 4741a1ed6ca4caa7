"""benchmarks/gpu.py: what is prepared here, and what runs where TensorFlow is not installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracles
import pytest

import tfdeconv as td

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="benchmarks/ is in the source tree alone")


@pytest.fixture(scope="module")
def scripts():
    """The modules ``gpu`` and ``gpu_cases``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import gpu
        import gpu_cases

        yield gpu, gpu_cases


@pytest.fixture(scope="module")
def prepared(scripts, tmp_path_factory):
    """A folder with the small cases, its manifest and its arrays."""
    folder = tmp_path_factory.mktemp("gpu")
    scripts[1].prepare(folder, small=True)
    with np.load(folder / "arrays.npz") as arrays:
        return folder, json.loads((folder / "manifest.json").read_text()), dict(arrays)


def test_every_lowering_and_an_upscaler_are_prepared_in_every_precision(scripts, prepared):
    """As HLO and as StableHLO; float32 forbids TF32, so that its program is another one."""
    gpu, _ = scripts
    folder, manifest, _ = prepared
    programs = [program for case in manifest["cases"] for program in case["programs"]]
    wanted = {*td.ops.LOWERINGS, "linear_upsample", "device='gpu'", "device='cpu'"}
    for precision in gpu.PRECISIONS:
        assert {one["contender"] for one in programs if one["precision"] == precision} == wanted
    for one in programs:
        assert (folder / f"{one['file']}.stablehlo").read_bytes().startswith(b"ML\xefR")
        assert (folder / f"{one['file']}.hlo").stat().st_size > 0
    first = manifest["cases"][0]["programs"]
    by_precision = {one["precision"]: one["file"] for one in first if one["contender"] == "gradient"}
    contents = [(folder / f"{by_precision[name]}.hlo").read_bytes() for name in gpu.PRECISIONS]
    assert len(set(contents)) == 3
    types = {dtype for one in programs if one["precision"] == "bfloat16" for _, dtype in one["parameters"]}
    assert types == {"bfloat16", "float32"}


def test_expected_numbers_are_those_of_the_oracle(scripts, prepared):
    """Inputs and kernels are made again from their seeds, and their products are exact."""
    gpu, gpu_cases = scripts
    _, manifest, arrays = prepared
    for case, layer in zip(manifest["cases"], gpu_cases.SMALL_LAYERS, strict=False):
        x, kernel = (gpu.integers(source).astype("float64") for source in case["inputs"])
        lead = case["torch"]["lead"]
        geometry = {"strides": [layer.stride] * 2, "dilation": [1, 1], "groups": layer.groups}
        wanted = oracles.by_scatter(x, kernel, leads=[lead] * 2, sizes=case["shape"][1:-1], **geometry)
        np.testing.assert_allclose(
            arrays[f"{case['number']}/expected"], wanted.reshape(-1)[:: case["step"]], atol=1e-4
        )
        assert gpu.difference(case, arrays, wanted) < 1e-5
        assert gpu.difference(case, arrays, wanted + 0.1 * case["scale"]) == pytest.approx(0.1, rel=1e-3)
        assert gpu.difference(case, arrays, wanted * np.nan) == np.inf
        with pytest.raises(ValueError, match="instead of"):
            gpu.difference(case, arrays, wanted[:, 1:])


def test_inputs_are_exact_in_every_precision(scripts):
    """Eight bits with a sign, which bfloat16 holds."""
    import tensorflow as tf

    values = scripts[0].integers({"shape": [1000], "seed": 5, "scale": 0.125})
    np.testing.assert_array_equal(tf.cast(tf.cast(values, tf.bfloat16), tf.float32), values)
    assert len(set(values)) > 200


def test_pytorch_computes_the_same(scripts, prepared):
    """Both memory formats, layers and upscalers, within the tolerance of each precision."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    gpu, _ = scripts
    _, manifest, arrays = prepared
    torch = gpu.Torch()
    for case in manifest["cases"]:
        for precision in gpu.PRECISIONS:
            torch.set_precision(precision)
            for last in (False, True):
                run, to_numpy = torch.contender(case, arrays, precision, last)
                error = gpu.difference(case, arrays, to_numpy(run(1)))
                assert error < gpu.TOLERANCES[precision]
                assert precision == "bfloat16" or error < 1e-5


def test_the_running_side_imports_no_tensorflow(scripts):
    """Not even tfdeconv; what prepares is imported when asked to."""
    tree = ast.parse((BENCHMARKS / "gpu.py").read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy", "jax", "jaxlib", "torch", "gpu_cases"}


def row(contender, ms=None, case="a", precision="tf32", **more):
    more |= {} if ms is None else {"milliseconds": ms}
    return {"kind": "layer", "case": case, "precision": precision, "contender": contender, **more}


def test_the_report_names_what_was_faster_what_failed_and_what_was_not_reached(scripts, capsys):
    """PyTorch's columns are last, and a rule is about lowerings alone."""
    gpu, _ = scripts
    rows = [
        row("torch NCHW", 0.5),
        row("gradient", 2.0),
        row("scatter", 1.0),
        row("subpixel", failure="differs by 0.3 of the largest output"),
        row("gradient", 1.0, case="b"),
        row("scatter", 0.99, case="b"),
        row("gradient", precision="float32", failure=gpu.NOT_REACHED),
    ]
    assert gpu.report(rows) == 1
    printed = capsys.readouterr().out
    assert "| layer, tf32, ms | gradient | scatter | subpixel | torch NCHW |" in printed
    assert "| a | 2.0000 | 1.0000 | differs by 0.3 of the largest output | **0.5000** |" in printed
    assert "tf32: a: scatter is 2.00 times as fast as gradient" in printed
    assert "tf32: b" not in printed
    assert "FAILED tf32, a, subpixel: differs by 0.3" in printed
    assert "not reached: float32, a (1 contenders)" in printed


def test_jax_runs_every_program_and_a_wrong_number_fails(prepared):
    """On JAX's processor backend, in a process of its own; results are written as they come."""
    pytest.importorskip("jax", reason="JAX is not installed")
    folder, manifest, arrays = prepared
    command = [sys.executable, "gpu.py", "run", ".", "--no-torch"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((folder / "results.json").read_text())["results"]
    assert len(results) == sum(len(case["programs"]) for case in manifest["cases"])
    assert all(one["milliseconds"] > 0 and one["form"] in ("StableHLO", "HLO") for one in results)
    assert max(one["error"] for one in results if one["precision"] == "float32") < 1e-5
    for file in folder.glob("*.stablehlo"):
        file.write_bytes(b"of a version that this runtime does not read")
    wrong = arrays | {"0/expected": arrays["0/expected"] + manifest["cases"][0]["scale"]}
    np.savez(folder / "arrays.npz", **wrong)
    done = subprocess.run(
        [*command, "--seconds", "60"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    np.savez(folder / "arrays.npz", **arrays)
    assert done.returncode == 1
    results = json.loads((folder / "results.json").read_text())["results"]
    assert {one["form"] for one in results if "milliseconds" in one} == {"HLO"}
    assert "differs by 1 of the largest output" in done.stdout


def test_running_an_empty_folder_says_what_is_missing(tmp_path):
    """The step before is named."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "gpu.py", "run", tmp_path], capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 2
    assert "run `gpu.py prepare` first" in done.stderr
