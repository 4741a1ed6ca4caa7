"""``tfdeconv upscale`` from the command line: files, folders, servers, and what goes wrong."""

import errno
import itertools
import os
import re
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

import tfdeconv as td
from tfdeconv import cli
from tfdeconv.cli.upscale import command
from tfdeconv.cli.upscale_jobs import jobs
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.zoo.pictures.upscaling import DEFAULT_TILE
from tfdeconv.zoo.upscalers.pretrained import save_weights

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run ``tfdeconv upscale`` with arguments, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["tfdeconv", "upscale", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def photo(tmp_path):
    """A small picture."""
    path = tmp_path / "photo.png"
    write_photograph(Photograph(PIXELS), path)
    return path


@pytest.mark.parametrize("scale", [3, 2.5])
def test_weights_of_a_training_run_are_used(run, photo, tmp_path, scale):
    """--weights makes the pixels of those weights, also for scales between; shipped ones make others."""
    model = td.zoo.Slim(3)
    model.get_layer("upsample").bias.assign([0.125])
    save_weights(model, tmp_path / "weights.npz")
    assert run(photo, "-o", "out.png", "--scale", scale, "--weights", "weights.npz").code == 0
    expected = td.zoo.upscale(PIXELS, scale, network=td.zoo.LocalNetwork(model, 3))
    np.testing.assert_array_equal(read_photograph(tmp_path / "out.png").pixels, expected)
    assert not np.array_equal(expected, td.zoo.upscale(PIXELS, scale))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "weights.npz"], "weights 'weights.npz' fit no network for scale 2"),
        (["--weights", "missing.npz"], "weights 'missing.npz' cannot be read"),
        (["--weights", "weights.npz", "--server", "grpc://x:1"], "--server has its own"),
    ],
)
def test_weights_that_cannot_be_used_are_told(run, photo, tmp_path, arguments, message):
    """Before any work, and without a traceback."""
    save_weights(td.zoo.Slim(3), tmp_path / "weights.npz")
    done = run(photo, "-o", "out.png", *arguments)
    assert done.code != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out.png").exists()


def test_a_file_becomes_a_larger_file(run, photo, tmp_path):
    """The pixels are those of td.zoo.upscale; one line tells what was done."""
    done = run(photo, "-o", "larger.tif")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("larger.tif: 40x24 RGB, 8 bit, ")
    assert done.out.endswith(" MP/s\n")
    np.testing.assert_array_equal(read_photograph(tmp_path / "larger.tif").pixels, td.zoo.upscale(PIXELS, 2))


@pytest.mark.parametrize("scale", ["3", "4", "1.5", "5.5"])
def test_any_scale(run, photo, tmp_path, scale):
    """Sizes are rounded."""
    assert run(photo, "-o", "a.png", "--scale", scale).code == 0
    height, width = (int(side * float(scale) + 0.5) for side in (12, 20))
    assert read_photograph(tmp_path / "a.png").pixels.shape == (height, width, 3)


def test_everything_in_a_file_survives(run, tmp_path, monkeypatch):
    """16 bits, alpha, profile, EXIF and resolution of a TIFF file, end to end."""
    exif = Image.Exif()
    exif[0x0110] = "Model 3"
    exif[0x0112] = 6
    deep = np.random.default_rng(0).integers(0, 65536, (12, 20, 4), np.uint16)
    source = Photograph(deep, b"a profile of 22 bytes.", exif.tobytes().removeprefix(b"Exif\0\0"), (300, 300))
    write_photograph(source, tmp_path / "a.tif")
    assert run("a.tif", "-o", "b.tif").code == 0
    result = read_photograph(tmp_path / "b.tif")
    upright = read_photograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(result.pixels, td.zoo.upscale(upright.pixels, 2))
    assert result.pixels.shape == (40, 24, 4)
    assert result.pixels.dtype == np.uint16
    assert result.icc_profile == source.icc_profile
    assert result.dpi == (300, 300)
    kept = Image.Exif()
    kept.load(result.exif)
    assert (kept[0x0110], kept[0x0112]) == ("Model 3", 1)


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
        "tfdeconv: error: album/bad.jpg is not a PNG, JPEG, WebP or TIFF picture.",
        "2 of 3 files done, 1 failed.",
    ]


def test_only_the_error_is_told_of_a_broken_tiff(photo, tmp_path):
    """In a process of its own, where nothing stands between tifffile's log and the terminal."""
    (tmp_path / "cut.tif").write_bytes(b"MM\0*\0\0\0\x08")
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", "cut.tif", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "tfdeconv: error: cut.tif is cut off or damaged: it holds no picture.\n"


def test_files_that_exist_are_kept_unless_told(run, photo, tmp_path):
    """The second time is an error; --overwrite makes it none."""
    assert run(photo, "-o", "out/").code == 0
    done = run(photo, "-o", "out/")
    assert done.code == 1
    assert done.err.startswith("tfdeconv: error: out/photo.png exists. ")
    assert "--overwrite" in done.err
    assert run(photo, "-o", "out/", "--overwrite", "--scale", "3").code == 0
    assert read_photograph(tmp_path / "out" / "photo.png").pixels.shape == (36, 60, 3)


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


def test_compare_writes_a_picture_beside(run, photo, tmp_path):
    """NAME-compare.png; with the same rule about existing files."""
    assert run(photo, "-o", "b.jpg", "--compare").code == 0
    assert read_photograph(tmp_path / "b-compare.png").pixels.shape[-1] == 3
    (tmp_path / "b.jpg").unlink()
    done = run(photo, "-o", "b.jpg", "--compare")
    assert done.code == 1
    assert "b-compare.png exists" in done.err
    assert not (tmp_path / "b.jpg").exists()


def test_the_quality_of_jpeg(run, photo, tmp_path):
    """A lower one makes a smaller file."""
    for quality in (20, 95):
        assert run(photo, "-o", f"{quality}.jpg", "--quality", quality).code == 0
    assert (tmp_path / "20.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.png", "-o", "a.png"], "none.png does not exist."),
        (["photo.png", "-o", "photo.png"], "photo.png would be written over itself"),
        (["photo.png", "-o", "."], "photo.png would be written over itself"),
        (["photo.png", "-o", "a.png", "--scale", "1"], "scale must be above 1 and at most 16; received 1."),
        (
            ["none.png", "-o", "out/a", "--scale", "nan"],
            "at most 16; received nan.",
        ),
        (["photo.png", "-o", "a.png", "--tile", "10"], "tile must be above 16"),
        (["empty", "-o", "out"], "empty holds no photographs (.png, .jpg"),
        (["photo.png", "-o", "a.png", "--server", "ftp://x"], "ftp"),
    ],
)
def test_mistakes_are_told_in_one_line(run, photo, tmp_path, arguments, message):
    """No traceback, exit code 1, nothing written."""
    (tmp_path / "empty").mkdir()
    done = run(*arguments)
    assert done.code == 1
    assert done.err.startswith("tfdeconv: error: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "photo.png"]


def test_an_output_of_an_unknown_kind_is_refused(run, photo, tmp_path):
    """``-o larger.gif`` means a picture, so no folder of that name is made."""
    done = run(photo, "-o", "larger.gif")
    assert done.code == 1
    assert done.err == (
        "tfdeconv: error: larger.gif must end in one of .png, .jpg, .jpeg, .webp, .tif, .tiff, which choose "
        "the format.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("folder", ["out", "x2.5", "v1.2.jpgs"])
def test_other_outputs_of_one_file_are_folders(run, photo, tmp_path, folder):
    """A number after a dot is no kind of picture; nor is the ending of a folder that exists."""
    if folder == "v1.2.jpgs":
        (tmp_path / folder).mkdir()
    assert run(photo, "-o", folder).code == 0
    assert (tmp_path / folder / "photo.png").exists()


def test_several_photographs_do_not_go_into_one_picture(run, photo, tmp_path):
    """``-o larger.png`` for a folder or for two files is a mistake, not a folder of that name."""
    (tmp_path / "album").mkdir()
    write_photograph(Photograph(PIXELS), tmp_path / "album" / "a.png")
    for inputs in ([photo, "album/a.png"], ["album"]):
        done = run(*inputs, "-o", "larger.png")
        assert done.code == 1
        assert done.err.startswith("tfdeconv: error: the output must be a folder for several photographs; ")
        assert done.err.endswith(" larger.png names a picture.\n")
    assert not (tmp_path / "larger.png").exists()


def test_a_file_in_the_place_of_the_output_folder_is_told(run, photo, tmp_path):
    """In words, for every file; nothing is written."""
    done = run(photo, "-o", "photo.png/out")
    assert done.code == 1
    assert done.err == "tfdeconv: error: the folder photo.png/out cannot be made: Not a directory.\n"


def test_a_tile_that_is_too_small_for_one_file_does_not_stop_the_others(run, photo, tmp_path):
    """Transparency needs more pixels around each output."""
    write_photograph(Photograph(np.dstack([PIXELS, PIXELS[..., :1]])), tmp_path / "clear.png")
    done = run("clear.png", photo, "-o", "out", "--tile", "20")
    assert done.code == 1
    assert done.err.startswith("tfdeconv: error: clear.png: tile must be above ")
    assert done.err.endswith("\n1 of 2 files done, 1 failed.\n")
    assert (tmp_path / "out" / "photo.png").exists()


def test_a_name_that_is_no_text_is_upscaled_and_told(run, tmp_path):
    """File names are bytes; output is UTF-8."""
    source = tmp_path / os.fsdecode(b"\xff.png")
    write_photograph(Photograph(PIXELS), source)
    done = run(source, "-o", "out")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("out/\N{REPLACEMENT CHARACTER}.png: 40x24 RGB, 8 bit, ")
    assert (tmp_path / "out" / source.name).exists()


def test_a_file_that_ends_otherwise_is_refused_alone(run, photo, tmp_path):
    """The ending chooses the format, so it must be known."""
    Image.fromarray(PIXELS).save(tmp_path / "b.gif")
    done = run(photo, "b.gif", "-o", "out")
    assert done.code == 1
    assert "b.gif is not a PNG, JPEG, WebP or TIFF picture" in done.err
    assert (tmp_path / "out" / "photo.png").exists()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the x2 model."""
    base = tmp_path_factory.mktemp("models") / "upscaler"
    td.export_saved_model(td.zoo.RGBUpscaler(td.zoo.load_upscaler(2), 2), base)
    with td.serving.Server(model_base_path=base, model_name="upscaler") as running:
        yield running


@pytest.mark.parametrize("protocol", ["grpc_url", "rest_url"])
def test_a_server_writes_the_same_file(run, photo, tmp_path, server, protocol):
    """Byte for byte the file that is written without one."""
    assert run(photo, "-o", "here.png", "--tile", 40).code == 0
    done = run(photo, "-o", "there.png", "--tile", 40, "--server", getattr(server, protocol))
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()


def test_the_default_tile_is_that_of_the_function():
    """The command and the function give the same pixels."""
    (option,) = (parameter for parameter in command.params if parameter.name == "tile")
    assert option.default == DEFAULT_TILE


def test_a_server_that_has_no_such_model_ends_the_command(run, photo, server):
    """Not once for each file."""
    done = run(photo, "-o", "out", "--server", server.grpc_url, "--model", "other")
    assert done.code == 1
    assert "other" in done.err
    assert done.err.count("\n") == 1


def test_a_progress_bar_is_drawn_for_people(run, photo, monkeypatch):
    """On a terminal, with megapixels per second, even where a megapixel takes seconds."""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True)
    monkeypatch.setattr("tqdm.std.time", itertools.count(step=5.0).__next__)
    done = run(photo, "-o", "a.png", "--scale", "4", "--tile", "24")
    assert "photo.png" in done.err
    assert re.search(r"100% .* 0\.00MP/s", done.err)
    assert "s/MP" not in done.err


def test_two_inputs_for_one_output_are_refused(tmp_path):
    """Neither overwrites the other in silence."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").touch()
    with pytest.raises(InvalidArgumentError, match=r"a/x\.png and .*b/x\.png would both become .*out/x\.png"):
        jobs([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_two_comparisons_of_one_name_are_refused(tmp_path):
    """Before any work; without comparisons there is nothing to refuse."""
    for name in ("x.png", "x.jpg"):
        (tmp_path / name).touch()
    assert len(jobs([tmp_path], tmp_path / "out")) == 2
    with pytest.raises(InvalidArgumentError, match=r"x\.jpg and .*x\.png would both become .*x-compare\.png"):
        jobs([tmp_path], tmp_path / "out", compare=True)


def test_no_output_takes_the_place_of_another_input(tmp_path):
    """Not even with --overwrite."""
    for name in ("x.png", "sub/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InvalidArgumentError, match=r"sub/x\.png would be written over the input .*x\.png"):
        jobs([tmp_path / "sub", tmp_path / "x.png"], tmp_path)


def test_results_inside_the_folder_are_not_upscaled_again(tmp_path):
    """Nor hidden files."""
    for name in ("x.png", "out/x.png", ".cache/y.png", ".z.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = jobs([tmp_path], tmp_path / "out")
    assert [(job.source, job.target) for job in found] == [(tmp_path / "x.png", tmp_path / "out" / "x.png")]


def test_results_may_go_to_a_folder_above(tmp_path):
    """``tfdeconv upscale holiday -o .``; what is above is no result."""
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "x.png").touch()
    assert jobs([tmp_path / "holiday"], tmp_path) == [(tmp_path / "holiday" / "x.png", tmp_path / "x.png")]
    with pytest.raises(InvalidArgumentError, match=r"x\.png would be written over itself"):
        jobs([tmp_path], tmp_path)


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
    assert jobs([tmp_path / "x.png"], target) == [(tmp_path / "x.png", target)]


def test_an_input_given_twice_is_done_once(tmp_path):
    """By itself and with its folder."""
    (tmp_path / "x.png").touch()
    assert len(jobs([tmp_path / "x.png", tmp_path], tmp_path / "out")) == 1
