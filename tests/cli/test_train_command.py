"""The command itself, in processes of its own: one is killed, and it sets TensorFlow's threads."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from tfdeconv.cli.commands.evaluate import command as evaluate
from tfdeconv.cli.commands.train import command as train
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo import FSRCNN
from tfdeconv.zoo.upscalers.pretrained import save_weights

pytestmark = pytest.mark.timeout(900)
RECIPE = Path(__file__).parents[1] / "training" / "smoke.toml"
STEPS = 300


def start(data, output, *options):
    command = [sys.executable, "-m", "tfdeconv.cli", "train", "slim", "--scale=2", f"--data={data}"]
    command += [f"--recipe={RECIPE}", f"--output={output}", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return out, err


@pytest.fixture(scope="module")
def uninterrupted(drawings, tmp_path_factory):
    """A whole smoke run: its folder and what it printed."""
    output = tmp_path_factory.mktemp("uninterrupted")
    return output / "slim" / "x2", *finish(start(drawings, output))


def test_a_killed_run_ends_at_the_same_bits(uninterrupted, drawings, tmp_path):
    """Killed after its first checkpoint and started again, a run ends at the weights it would have had."""
    killed = start(drawings, tmp_path)
    folder = tmp_path / "slim" / "x2"
    deadline = time.monotonic() + 400
    while not (folder / "checkpoints" / "checkpoint").exists():
        assert killed.poll() is None, killed.communicate()[1]
        assert time.monotonic() < deadline, "no checkpoint appeared"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL

    out, err = finish(start(drawings, tmp_path))
    assert f"Step {STEPS}:" in out
    assert not re.search(rf"\b0/{STEPS}\b", err), "it went on from a checkpoint, not from the start"
    with np.load(folder / "weights.npz") as resumed, np.load(uninterrupted[0] / "weights.npz") as whole:
        assert set(resumed) == set(whole)
        for name in whole:
            np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)


def test_progress_logs_and_weights_are_left(uninterrupted):
    """A run shows the time left, writes TensorBoard events and at most two checkpoints."""
    folder, out, err = uninterrupted
    assert re.search(rf"{STEPS}/{STEPS} \[\d\d:\d\d<\d\d:\d\d", err)
    assert "held-out PSNR" in out
    assert list((folder / "logs").glob("events.out.tfevents.*"))
    assert len(list((folder / "checkpoints").glob("ckpt-*.index"))) == 2


def test_seconds_of_training_beat_bicubic(uninterrupted, unseen_drawing):
    """After the smoke recipe an unseen drawing is scored at least 1 dB above bicubic."""
    weights = uninterrupted[0] / "weights.npz"
    result = CliRunner().invoke(
        evaluate,
        ["--data", str(unseen_drawing), "--scale", "2", "--weights", str(weights)],
        catch_exceptions=False,
    )
    mean = next(line for line in result.output.splitlines() if line.startswith("mean"))
    bicubic_psnr, bicubic_ssim, psnr, ssim = map(float, mean.split()[1:])
    assert psnr > bicubic_psnr + 1.0
    assert ssim > bicubic_ssim


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scale", "3"], "scale must be one that the recipe has (2); received 3"),
        (["--scale", "2", "--output", "file/out"], "--output: the folder "),
    ],
)
def test_train_tells_mistakes_before_the_work(drawings, tmp_path, monkeypatch, options, message):
    """Cutting patches takes minutes; what can be known before is told before."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr("tfdeconv.training.patches.collect_patches", None)
    threads = SimpleNamespace(
        set_intra_op_parallelism_threads=lambda count: None,
        set_inter_op_parallelism_threads=lambda count: None,
    )
    monkeypatch.setattr(
        "tfdeconv.cli.commands.train.import_tensorflow",
        lambda: SimpleNamespace(config=SimpleNamespace(threading=threads)),
    )
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        CliRunner().invoke(
            train,
            ["slim", "--data", str(drawings), "--recipe", str(RECIPE), *options],
            catch_exceptions=False,
        )


def test_evaluate_finds_out_whose_weights_they_are(unseen_drawing, tmp_path):
    """Without --model, weights of FSRCNN are scored as FSRCNN's."""
    save_weights(FSRCNN(2), tmp_path / "weights.npz")
    options = ["--data", str(unseen_drawing), "--scale", "2", "--weights", str(tmp_path / "weights.npz")]
    result = CliRunner().invoke(evaluate, options, catch_exceptions=False)
    assert "fsrcnn_x2" in result.output


def evaluation(folder, *options):
    """The last line of `tfdeconv evaluate`: mean PSNR of bicubic and of the network."""
    arguments = ["--data", str(folder), "--scale", "2", *map(str, options)]
    result = CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    words = result.output.splitlines()[-1].split()
    assert words[0] == "mean"
    return float(words[1]), float(words[3])


def test_evaluate_scores_what_upscale_uses(unseen_drawing):
    """By quality and source, on clean pictures and on ones that went through JPEG."""
    bicubic, fast = evaluation(unseen_drawing)
    assert evaluation(unseen_drawing, "--quality", "fine")[0] == bicubic
    fine = evaluation(unseen_drawing, "--quality", "fine")[1]
    assert fine != fast
    assert fine > bicubic
    hurt_bicubic, hurt = evaluation(unseen_drawing, "--jpeg", 40)
    assert hurt_bicubic < bicubic
    assert evaluation(unseen_drawing, "--jpeg", 40, "--source", "jpeg")[1] > max(hurt, hurt_bicubic)


@pytest.mark.parametrize("option", [["--model", "slim"], ["--weights", "w.npz"]])
def test_evaluate_refuses_two_networks(unseen_drawing, option):
    """Quality and source choose one, so do the others."""
    with pytest.raises(InvalidArgumentError, match=f"{option[0]} names another one"):
        evaluation(unseen_drawing, "--quality", "fine", *option)


def test_evaluate_names_an_unknown_network(drawings):
    """--model takes the names of the zoo."""
    with pytest.raises(
        InvalidArgumentError, match="--model must be one of fine, fsrcnn, slim; received 'vdsr'"
    ):
        CliRunner().invoke(
            evaluate, ["--data", str(drawings), "--scale", "2", "--model", "vdsr"], catch_exceptions=False
        )


def test_two_devices_train_the_same(drawings, tmp_path):
    """As one does, but for rounding; and a batch that cannot be cut in equal parts is told."""
    scores = []
    for devices in (1, 2):
        out, _ = finish(start(drawings, tmp_path / str(devices), "--steps=12", f"--devices={devices}"))
        scores.append(float(re.search(r"Step 12: held-out PSNR (\S+) dB", out)[1]))
    assert scores[0] == pytest.approx(scores[1], abs=0.02)
    with (
        np.load(tmp_path / "1" / "slim" / "x2" / "weights.npz") as one,
        np.load(tmp_path / "2" / "slim" / "x2" / "weights.npz") as two,
    ):
        for name in one.files:
            np.testing.assert_allclose(two[name], one[name], atol=1e-3)
    process = start(drawings, tmp_path / "3", "--devices=3")
    _, err = process.communicate(timeout=400)
    assert process.returncode == 2
    message = "batch must be a multiple of the 3 devices, for each to get as much; received 8."
    assert err.splitlines()[-1].endswith(message)
