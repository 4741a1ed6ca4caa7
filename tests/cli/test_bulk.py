"""Many files by one process: what there is to do, the report, how far it is, going on after a stop."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tfdeconv.cli.bulk.job_list import Job, JobList, tasks
from tfdeconv.cli.bulk.options import Engine
from tfdeconv.cli.bulk.outcome import Outcome
from tfdeconv.cli.bulk.progress import Progress
from tfdeconv.cli.bulk.report import FailureReport
from tfdeconv.cli.bulk.run import run as do_all
from tfdeconv.cli.commands.upscale import command
from tfdeconv.errors import FileError, MissingExtraError


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def photos(tmp_path):
    """Three photographs and a broken one."""
    folder = tmp_path / "photos"
    (folder / "day").mkdir(parents=True)
    for name in ("a.png", "b.png", "day/c.png"):
        Image.fromarray(np.full((9, 8, 3), 77, np.uint8)).save(folder / name)
    (folder / "day" / "broken.png").write_bytes(b"nonsense")
    return folder


def test_a_stopped_run_goes_on(photos, tmp_path):
    """What is there stays, drafts of a killed run go, and the report is of the last run."""
    out = tmp_path / "out"
    assert run(photos, "-o", out, "--resume").exit_code == 1
    (failure,) = map(json.loads, (out / "failures.jsonl").read_text().splitlines())
    assert failure["path"] == str(photos / "day" / "broken.png")
    assert "is no picture" in failure["reason"]
    (out / "b.png").unlink()
    draft = out / "day" / f".{'0' * 16}.part.png"
    draft.write_bytes(b"half")
    before = (out / "a.png").stat().st_mtime_ns
    (photos / "day" / "broken.png").unlink()
    done = run(photos, "-o", out, "--resume")
    assert done.exit_code == 0
    assert done.stderr == "2 of 3 files are there already.\n"
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert names == ["a.png", "b.png", "day/c.png"]
    assert (out / "a.png").stat().st_mtime_ns == before


def test_a_full_disk_ends_the_run(photos, tmp_path, monkeypatch):
    """The first photograph shows it; the others are not computed for nothing."""
    done = []

    def full(*arguments):
        done.append(arguments)
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise FileError("out/a.png cannot be written: No space left on device.") from error

    monkeypatch.setattr("tfdeconv.cli.upscaling.worker.upscale_photograph", full)
    ended = run(photos, "-o", tmp_path / "out")
    assert (ended.exit_code, len(done)) == (1, 1)
    assert "0 of 4 files done, 1 failed, then stopped" in ended.stderr


def test_without_ray_the_message_names_the_extra(photos, tmp_path, monkeypatch):
    """Before any work."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(MissingExtraError, match=r"--engine ray needs.*pip install 'tfdeconv\[cluster\]'"):
        run(photos, "-o", tmp_path / "out", "--engine", "ray")


def test_an_address_must_be_one(photos, tmp_path):
    """That of Ray's client would put this process outside the cluster."""
    pytest.importorskip("ray.data")
    with pytest.raises(ValueError, match=r"--address must be HOST:PORT.*received ray://a:10001"):
        run(photos, "-o", tmp_path / "out", "--engine", "ray", "--address", "ray://a:10001")


def test_a_list_is_read_in_pages(monkeypatch):
    """In order, whatever the size of a page, with names that are no text."""
    monkeypatch.setattr("tfdeconv.cli.bulk.job_list._PAGE", 3)
    jobs = JobList()
    wanted = [Job(Path(f"{n}\udcff.png"), Path("out", f"{n}.png")) for n in range(10)]
    for job in wanted:
        jobs.add(job)
    jobs.complete()
    assert list(jobs) == wanted
    assert [task.number for task in tasks(jobs.path)] == list(range(1, 11))


def test_a_full_disk_for_temporary_files_is_told_with_its_place():
    """The list of files lies there, not where the pictures are written."""
    jobs = JobList()
    jobs._execute("PRAGMA max_page_count = 20")
    with pytest.raises(FileError, match=r"cannot be kept in .*: database or disk is full. .* set TMPDIR"):
        for number in range(10_000):
            jobs.add(Job(Path(f"{number}.png"), Path("out", f"{number}.png")))


def test_a_missing_folder_for_temporary_files_is_told(monkeypatch, tmp_path):
    """TMPDIR may name what is not there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(FileError, match=r"no folder for temporary files: No such file .* set TMPDIR"):
        JobList()


@pytest.mark.parametrize("arguments", [["a.png", "-o", ""], ["", "-o", "b.png"], ["a.png", "--weights="]])
def test_an_empty_name_is_no_folder(arguments, photos, monkeypatch):
    """A variable of the shell that is not set must not mean the current folder."""
    monkeypatch.chdir(photos)
    before = sorted(photos.iterdir())
    result = run(*arguments)
    assert result.exit_code == 2
    assert "a name cannot be empty; for the current folder, write a dot" in result.output
    assert sorted(photos.iterdir()) == before


def test_a_report_without_failures_removes_the_last_one(tmp_path):
    """It would speak of files that are done."""
    (tmp_path / "failures.jsonl").write_text("old")
    with FailureReport(tmp_path) as report:
        pass
    assert report.written is None
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_now_and_then(capsys):
    """Where no terminal shows a bar; nothing before there is a rate, nor at the end."""
    with Progress(3, every=0.0) as progress:
        for failed in (False, True, False):
            progress.step(failed=failed)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("2 of 3 files, 1 failed, ")
    assert line.endswith(" left")


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("total", "told"), [(3, True), (1, False)])
def test_the_bar_counts_the_files_of_one_process(monkeypatch, total, told):
    """It stands below the lines about them; a single file has its own bar alone."""
    jobs = JobList()
    for number in range(total):
        jobs.add(Job(Path(f"{number}.png"), Path("out", f"{number}.png")))
    jobs.complete()
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    do_all(
        jobs,
        lambda: lambda job: Outcome(line=str(job.source)),
        engine=Engine("local", None, None),
        command=command,
        skip=False,
    )
    shown = [f"{number}/{total}" in terminal.getvalue() for number in range(total)]
    assert shown == [told] * total
