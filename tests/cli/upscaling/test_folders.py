"""Folders: what is found in them, where results go, and one bad file among good ones."""

import errno
import os

import pytest
from cli.upscaling.pixels import PIXELS

import tfdeconv as td
from tfdeconv.cli.upscaling.jobs import find
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging import Photograph, write_photograph


def test_a_folder_keeps_its_structure_and_one_bad_file_does_not_stop_it(run, tmp_path):
    """The bad file is named with the reason, the others are done, and the exit code is 1."""
    album = tmp_path / "album"
    (album / "day 2").mkdir(parents=True)
    for name in ("a.png", "day 2/b.png"):
        write_photograph(Photograph(PIXELS), album / name)
    (album / "bad.jpg").write_bytes(b"no picture")
    (album / "notes.txt").write_text("not meant")
    done = run("album", "-o", "out")
    assert done.code == 1
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")) == [
        "a.png",
        "day 2/b.png",
    ]
    assert done.err.splitlines() == [
        "tfdeconv: error: album/bad.jpg is no picture; PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, "
        "HEIC, JPEG XL files are read.",
        "2 of 3 files done, 1 failed.",
    ]


def test_an_unforeseen_error_does_not_stop_a_folder_either(run, photo, tmp_path, monkeypatch):
    """Say, memory for one huge picture; TFDECONV_TRACEBACK shows where."""
    write_photograph(Photograph(PIXELS[:, :4]), tmp_path / "a.png")

    real = td.zoo.upscale

    def upscale(pixels, *arguments, **options):
        if pixels.shape[1] == 4:
            raise MemoryError("100 GB")
        return real(pixels, *arguments, **options)

    monkeypatch.setattr(td.zoo, "upscale", upscale)
    done = run("a.png", photo, "-o", "out")
    assert done.code == 1
    assert "tfdeconv: unforeseen error: a.png: MemoryError: 100 GB\n" in done.err
    assert (tmp_path / "out" / "photo.png").exists()
    monkeypatch.setenv("TFDECONV_TRACEBACK", "1")
    with pytest.raises(MemoryError):
        run("a.png", "-o", "b.png")


@pytest.mark.parametrize("folder", ["out", "x2.5", "v1.2.jpgs"])
def test_other_outputs_of_one_file_are_folders(run, photo, tmp_path, folder):
    """A number after a dot is no kind of picture; nor is the ending of a folder that exists."""
    if folder == "v1.2.jpgs":
        (tmp_path / folder).mkdir()
    assert run(photo, "-o", folder).code == 0
    assert (tmp_path / folder / "photo.png").exists()


def test_results_that_exist_are_skipped_when_asked(run, photo, tmp_path):
    """So a folder run that was stopped goes on; nothing is done twice."""
    (tmp_path / "album").mkdir()
    for name in ("a.png", "b.png"):
        write_photograph(Photograph(PIXELS), tmp_path / "album" / name)
    assert run("album/a.png", "-o", "out/").code == 0
    before = (tmp_path / "out" / "a.png").stat()
    done = run("album", "-o", "out", "--skip-existing")
    assert done.code == 0
    assert done.err == "1 of 2 files are there already.\n"
    assert done.out.startswith("out/b.png: ")
    assert (tmp_path / "out" / "a.png").stat() == before


def test_pictures_that_are_not_read_are_counted_and_named(run, photo, tmp_path):
    """And what is no picture is not."""
    album = tmp_path / "album"
    album.mkdir()
    photo.rename(album / "a.png")
    for name in ("b.psd", "c.cr2", "d.svg", "notes.txt", "film.mp4", ".hidden.psd"):
        (album / name).write_bytes(b"8BPS")
    os.mkfifo(album / "pipe.png")
    done = run("album", "-o", "out")
    assert done.code == 0
    assert done.err == (
        "tfdeconv: note: 4 pictures are left out and not read: album/b.psd, album/c.cr2, "
        "album/d.svg, album/pipe.png.\n"
    )


def test_links_in_folders_are_followed(run, photo, tmp_path):
    """To files and folders, but not in circles; one that leads nowhere is an error of its own."""
    (tmp_path / "album").mkdir()
    (tmp_path / "elsewhere").mkdir()
    photo.rename(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "album" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "album" / "b.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "album" / "loop").symlink_to(tmp_path / "album")
    (tmp_path / "album" / "broken.png").symlink_to("nowhere.png")
    done = run("album", "-o", "out")
    assert done.code == 1
    assert done.err == "tfdeconv: error: album/broken.png does not exist.\n2 of 3 files done, 1 failed.\n"
    assert sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")
    ) == [
        "b.png",
        "linked/a.png",
    ]


def test_two_inputs_for_one_output_are_refused(tmp_path):
    """Neither overwrites the other in silence."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").touch()
    with pytest.raises(InvalidArgumentError, match=r"a/x\.png and .*b/x\.png would both become .*out/x\.png"):
        find([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_two_comparisons_of_one_name_are_refused(tmp_path):
    """Before any work; without comparisons there is nothing to refuse."""
    for name in ("x.png", "x.jpg"):
        (tmp_path / name).touch()
    assert len(find([tmp_path], tmp_path / "out").jobs) == 2
    with pytest.raises(InvalidArgumentError, match=r"x\.jpg and .*x\.png would both become .*x-compare\.png"):
        find([tmp_path], tmp_path / "out", compare=True)


def test_no_output_takes_the_place_of_another_input(tmp_path):
    """Not even with --overwrite."""
    for name in ("x.png", "sub/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InvalidArgumentError, match=r"sub/x\.png would be written over the input .*x\.png"):
        find([tmp_path / "sub", tmp_path / "x.png"], tmp_path)


def test_results_inside_the_folder_are_not_upscaled_again(tmp_path):
    """Nor hidden files."""
    for name in ("x.png", "out/x.png", ".cache/y.png", ".z.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find([tmp_path], tmp_path / "out").jobs
    assert [(job.source, job.target) for job in found] == [(tmp_path / "x.png", tmp_path / "out" / "x.png")]


def test_results_may_go_to_a_folder_above(tmp_path):
    """``tfdeconv upscale holiday -o .``; what is above is no result."""
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "x.png").touch()
    assert list(find([tmp_path / "holiday"], tmp_path).jobs) == [
        (tmp_path / "holiday" / "x.png", tmp_path / "x.png")
    ]
    with pytest.raises(InvalidArgumentError, match=r"x\.png would be written over itself"):
        find([tmp_path], tmp_path)


def test_an_output_that_may_not_be_looked_at_is_left_to_the_writer(tmp_path, monkeypatch):
    """Say, in the home of another user; the error comes in words when the file is to be written."""
    target = tmp_path / "locked" / "y.png"
    real = os.stat

    def stat(name, *arguments, **options):
        if name == target:
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
        return real(name, *arguments, **options)

    (tmp_path / "x.png").touch()
    monkeypatch.setattr(os, "stat", stat)
    assert list(find([tmp_path / "x.png"], target).jobs) == [(tmp_path / "x.png", target)]


def test_an_input_given_twice_is_done_once(tmp_path):
    """By itself and with its folder."""
    (tmp_path / "x.png").touch()
    assert len(find([tmp_path / "x.png", tmp_path], tmp_path / "out").jobs) == 1
