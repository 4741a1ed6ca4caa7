"""What is wrong with a command line or a file is told in one line."""

import subprocess
import sys

import numpy as np
import pytest
from cli.upscaling.pixels import PIXELS

from tfdeconv.imaging import Photograph, write_photograph


def test_only_the_error_is_told_of_a_broken_tiff(photo, tmp_path):
    """In a process of its own, where nothing stands between tifffile's log and the terminal."""
    (tmp_path / "cut.tif").write_bytes(b"MM\0*\0\0\0\x08")
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", "cut.tif", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "tfdeconv: error: cut.tif is cut off or damaged: it holds no picture.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.png", "-o", "photo.png"], "photo.png would be written over itself"),
        (["photo.png", "-o", "."], "photo.png would be written over itself"),
        (["photo.png", "-o", "a.png", "--scale", "1"], "--scale must be above 1 and at most 16; received 1."),
        (
            ["none.png", "-o", "out/a", "--scale", "nan"],
            "--scale must be above 1 and at most 16; received nan.",
        ),
        (["photo.png", "-o", "a.png", "--server", "ftp://x"], "--server must be grpc://"),
        (
            ["photo.png", "-o", "a.png", "--scale", "2", "--width", "9"],
            "--scale and --width exclude each other",
        ),
        (
            ["photo.png", "-o", "a.png", "--height", "9", "--fit", "9x9"],
            "--height and --fit exclude each other",
        ),
        (["photo.png", "-o", "a.png", "--fit", "9by9"], "--fit must be WIDTHxHEIGHT, such as 1920x1080"),
        (["photo.png", "-o", "a.png", "--fit", "x"], "--fit must be WIDTHxHEIGHT, such as 1920x1080"),
        (["photo.png", "-o", "a.png", "--overwrite", "--skip-existing"], "exclude each other"),
        (["photo.png", "-o", "a.png", "--format", "jpg"], "--format and the ending of a.png contradict"),
        (["photo.png", "empty", "-o", "-"], "- (a pipe) takes one photograph"),
        (["empty", "-o", "-"], "-o - takes one photograph; the input is a folder"),
        (["-", "-o", "out"], "-o must be a file, such as photo.png"),
        (["photo.png", "-o", "-", "--compare"], "-o - has no room for it"),
        (
            ["photo.png", "-o", "larger.gif"],
            "larger.gif must end in one of .png, .jpg, .jpeg, .webp, .tif, .tiff",
        ),
        (["photo.png", "-o", "results.v2"], "if it is to be a folder, make it first"),
        (["photo.png", "empty", "-o", "larger.png"], "must be a folder for several photographs"),
        (["photo.png", "-o", "a.png", "--tile", "10"], "--tile must be above 16"),
        (["photo.png", "-o", "a.png", "--tile", "0", "--width", "30"], "--tile must be above 16"),
    ],
)
def test_mistakes_of_the_command_line_are_told_in_one_line(run, photo, tmp_path, arguments, message):
    """No traceback, exit code 2, nothing written."""
    (tmp_path / "empty").mkdir()
    done = run(*arguments)
    assert done.code == 2
    assert done.err.startswith("tfdeconv: error: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "photo.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.png", "-o", "a.png"], "none.png does not exist."),
        (
            ["photo.png", "-o", "a.png", "--width", "321"],
            "--width must make it at least 1x1 and at most 16",
        ),
        (
            ["photo.png", "-o", "a.png", "--fit", "x193"],
            "--fit must make it at least 1x1 and at most 16",
        ),
        (
            ["photo.png", "-o", "a.png", "--width", "9", "--height", "999"],
            "--width and --height must make it",
        ),
        (["empty", "-o", "out"], "empty holds no photographs (.png, .jpg"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(run, photo, tmp_path, arguments, message):
    """No traceback, exit code 1, nothing written."""
    (tmp_path / "empty").mkdir()
    done = run(*arguments)
    assert done.code == 1
    assert done.err.startswith("tfdeconv: error: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "photo.png"]


def test_several_photographs_do_not_go_into_one_picture(run, photo, tmp_path):
    """``-o larger.png`` for a folder or for two files is a mistake, not a folder of that name."""
    (tmp_path / "album").mkdir()
    write_photograph(Photograph(PIXELS), tmp_path / "album" / "a.png")
    for inputs in ([photo, "album/a.png"], ["album"]):
        done = run(*inputs, "-o", "larger.png")
        assert done.code == 2
        assert done.err.startswith("tfdeconv: error: the output must be a folder for several photographs; ")
        assert done.err.endswith(" larger.png names a picture.\n")
    assert not (tmp_path / "larger.png").exists()


def test_a_file_in_the_place_of_the_output_folder_is_told_once(run, photo, tmp_path):
    """Before any work, however many photographs there are."""
    write_photograph(Photograph(PIXELS), tmp_path / "other.png")
    for inputs in ([photo], [photo, "other.png"]):
        done = run(*inputs, "-o", "photo.png/out/deeper")
        assert (done.code, done.out) == (1, "")
        assert done.err == (
            "tfdeconv: error: --output photo.png/out/deeper: photo.png is a file, not a folder.\n"
        )


def test_a_tile_that_is_too_small_for_one_file_does_not_stop_the_others(run, photo, tmp_path):
    """Transparency needs more pixels around each output."""
    write_photograph(Photograph(np.dstack([PIXELS, PIXELS[..., :1]])), tmp_path / "clear.png")
    done = run("clear.png", photo, "-o", "out", "--tile", "20")
    assert done.code == 1
    assert done.err.startswith("tfdeconv: error: clear.png: --tile must be above ")
    assert done.err.endswith("\n1 of 2 files done, 1 failed.\n")
    assert (tmp_path / "out" / "photo.png").exists()
