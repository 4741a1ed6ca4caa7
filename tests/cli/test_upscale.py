"""``tfdeconv upscale`` from the command line: files, folders, servers, and what goes wrong."""

import errno
import io
import itertools
import os
import re
import subprocess
import sys
from typing import NamedTuple

import fsspec
import keras
import numpy as np
import pytest
from PIL import Image, ImageCms

import tfdeconv as td
from tfdeconv import cli
from tfdeconv.cli.commands.upscale import command
from tfdeconv.cli.upscaling.jobs import find
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.transfer import from_srgb_curve, to_srgb_curve
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
def store():
    """An object store in memory."""
    pytest.importorskip("upath", reason="needs the storage extra")
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


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


def test_everything_in_a_file_survives(run, tmp_path):
    """16 bits, alpha, profile, EXIF, XMP, IPTC and resolution of a TIFF file, end to end."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0110] = "Model 3"
    exif[0x0112] = 6
    deep = np.random.default_rng(0).integers(0, 65536, (12, 20, 4), np.uint16)
    source = Photograph(deep, icc, exif.tobytes().removeprefix(b"Exif\0\0"), (300, 300), b"<x/>", b"records")
    write_photograph(source, tmp_path / "a.tif")
    assert run("a.tif", "-o", "b.tif").code == 0
    result = read_photograph(tmp_path / "b.tif")
    upright = read_photograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(result.pixels, td.zoo.upscale(upright.pixels, 2))
    assert result.pixels.shape == (40, 24, 4)
    assert result.pixels.dtype == np.uint16
    assert (result.icc_profile, result.xmp, result.iptc) == (icc, b"<x/>", b"records")
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
        "tfdeconv: error: album/bad.jpg is no picture; PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, "
        "HEIC, JPEG XL files are read.",
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


def save_jpeg(path, quality):
    Image.fromarray(PIXELS).save(path, "JPEG", quality=quality)
    return read_photograph(path).pixels


def test_jpeg_files_whose_compression_shows_are_repaired(run, tmp_path):
    """Decided for each file by its tables, told in its line, and with the pixels of source="jpeg"."""
    (tmp_path / "in").mkdir()
    pixels = {quality: save_jpeg(tmp_path / "in" / f"{quality}.jpg", quality) for quality in (40, 97)}
    done = run("in", "-o", "out", "--scale", 2)
    lines = dict(line.split(": ", 1) for line in done.out.splitlines())
    assert {name.removeprefix("out/"): "JPEG repaired" in line for name, line in lines.items()} == {
        "40.jpg": True,
        "97.jpg": False,
    }
    for source, quality in (("jpeg", 40), ("clean", 97)):
        run(f"in/{quality}.jpg", "-o", f"{quality}.png")
        expected = td.zoo.upscale(pixels[quality], 2, source=source)
        np.testing.assert_array_equal(read_photograph(tmp_path / f"{quality}.png").pixels, expected)


@pytest.mark.parametrize("quality", [40, 97])
@pytest.mark.parametrize("source", ["clean", "jpeg"])
def test_the_user_may_know_better_than_the_tables(run, tmp_path, quality, source):
    """A screenshot of a JPEG picture, say."""
    pixels = save_jpeg(tmp_path / "a.jpg", quality)
    assert run("a.jpg", "-o", "b.png", "--source", source).code == 0
    expected = td.zoo.upscale(pixels, 2, source=source)
    np.testing.assert_array_equal(read_photograph(tmp_path / "b.png").pixels, expected)


def test_auto_goes_as_far_as_ever(run, tmp_path):
    """Scales that repair does not reach are done without, since nobody asked for it."""
    save_jpeg(tmp_path / "a.jpg", 40)
    done = run("a.jpg", "-o", "b.png", "--scale", 16)
    assert done.code == 0
    assert "repaired" not in done.out
    assert "at most 8; received 16" in run("a.jpg", "-o", "c.png", "--scale", 16, "--source", "jpeg").err


def test_fine_makes_other_pixels(run, photo, tmp_path):
    """Those of td.zoo.upscale(quality="fine")."""
    assert run(photo, "-o", "a.png", "--quality", "fine").code == 0
    expected = td.zoo.upscale(PIXELS, 2, quality="fine")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png").pixels, expected)
    assert (expected != td.zoo.upscale(PIXELS, 2)).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--quality", "90"],
            "must be fast or fine; received 90. How well written files are kept is --file-quality 90.",
        ),
        (["--quality", "best"], "must be fast or fine; received best."),
        (
            ["--quality", "fine", "--source", "jpeg", "--scale", "16"],
            "scale must be above 1 and at most 8; received 16.",
        ),
        (["--quality", "fine", "--weights", "w.npz"], "come with tfdeconv; --weights is another one."),
        (["--source", "jpeg", "--server", "grpc://x:1"], "come with tfdeconv; --server is another one."),
    ],
)
def test_networks_that_there_are_not_are_refused(run, photo, tmp_path, options, message):
    """In words that lead on, and before anything is written."""
    done = run(photo, "-o", "a.png", *options)
    assert done.code != 0
    assert message in " ".join(done.err.split())
    assert not (tmp_path / "a.png").exists()


def test_the_quality_of_jpeg(run, photo, tmp_path):
    """A lower one makes a smaller file."""
    for quality in (20, 95):
        assert run(photo, "-o", f"{quality}.jpg", "--file-quality", quality).code == 0
    assert (tmp_path / "20.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size


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
        (["photo.png", "empty", "-o", "larger.png"], "must be a folder for several photographs"),
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
        (["photo.png", "-o", "a.png", "--tile", "10"], "--tile must be above 16"),
        (
            ["photo.png", "-o", "a.png", "--width", "321"],
            "at most 16 times the picture's, 20x12",
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
        assert done.code == 2
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
    assert done.err.startswith("tfdeconv: error: clear.png: --tile must be above ")
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


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (["--width", "50"], (50, 30)),
        (["--height", "31"], (52, 31)),
        (["--width", "50", "--height", "13"], (50, 13)),
        (["--fit", "50x50"], (50, 30)),
        (["--fit", "1000x36"], (60, 36)),
        (["--fit", "x36"], (60, 36)),
        (["--width", "20"], (20, 12)),
        (["--fit", "10x10"], (10, 6)),
        (["--width", "60", "--height", "6"], (60, 6)),
        (["--width", "1"], (1, 1)),
        (["--width", "320"], (320, 192)),
    ],
)
def test_sizes_are_met_exactly(run, photo, tmp_path, arguments, size):
    """Whether larger or smaller, and whatever happens to the shape."""
    assert run(photo, "-o", "a.png", *arguments).code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == size


def test_a_size_that_a_network_has_is_the_network_s_own(run, photo, tmp_path):
    """40 of 20 pixels is a factor of 2: nothing is resampled."""
    assert run(photo, "-o", "a.png", "--width", 40).code == 0
    assert run(photo, "-o", "b.png", "--scale", 2).code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_smaller_size_is_pillow_s_antialiased_bicubic(channels):
    """Alpha weighs its colours, as Pillow does it in premultiplied pixels."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, channels), np.uint8)
    small = td.zoo.upscale(pixels, size=(13, 21))
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    expected = np.asarray(image.resize((21, 13), Image.Resampling.BICUBIC)).reshape(13, 21, channels)
    assert np.abs(small.astype(int) - expected).max() <= (1 if channels in (1, 3) else 4)


def test_a_pipe_goes_in_and_out(photo, tmp_path):
    """In a process of its own; the picture alone is on standard output."""
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", "-", "-o", "-", "--fit", "80x80"]
    done = subprocess.run(command, input=photo.read_bytes(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith(b"-: 80x48 RGB, 8 bit, ")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("PNG", (80, 48))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_urls_are_read_and_written(run, photo, store):
    """A folder of an object store becomes another one, with its structure."""
    store.pipe("/album/day/a.png", photo.read_bytes())
    store.pipe("/album/b.tif", b"no picture")
    done = run("memory://album", "-o", "memory://larger")
    assert done.code == 1
    assert "b.tif is no picture" in done.err
    assert store.find("/larger") == ["/larger/day/a.png"]
    done = run("memory://album/day", "-o", "memory://larger/day", "--skip-existing")
    assert (done.code, done.out, done.err) == (0, "", "1 of 1 files are there already.\n")


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


def test_a_name_with_a_line_break_stays_in_its_line(run, photo, tmp_path):
    """In the line about it and in errors."""
    photo.rename(tmp_path / "two\nlines.png")
    (tmp_path / "bad\n\x1b[31m.png").write_bytes(b"no picture")
    done = run("two\nlines.png", "bad\n\x1b[31m.png", "-o", "out")
    assert done.out.startswith("out/two\\nlines.png: 40x24")
    assert done.out.count("\n") == 1
    assert done.err.startswith("tfdeconv: error: bad\\n\\x1b[31m.png is no picture;")
    assert (tmp_path / "out" / "two\nlines.png").exists()


def test_notes_are_told_once_for_each_file(run, photo, tmp_path):
    """What was left out of the input, and what the output has no place for."""
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "JPEG", comment=b"sea")
    (tmp_path / "a.jpg").write_bytes(data.getvalue()[:-2])
    done = run("a.jpg", "-o", "a.webp")
    assert done.code == 0
    assert done.err == (
        "tfdeconv: note: a.jpg lacks its end marker; every pixel is there.\n"
        "tfdeconv: note: a.webp lacks what WebP has no place for: comments (Comment).\n"
    )


def test_linear_numbers_are_enlarged_on_the_curve_that_networks_learned(run, tmp_path):
    """The same picture in linear numbers becomes the same picture, within a rounding of 8 bits."""
    ramp = np.repeat(np.linspace(20, 235, 24, dtype=np.uint8)[:, np.newaxis], 18, axis=1)
    coded = np.dstack([ramp, ramp[::-1], np.roll(ramp, 5, axis=0)])
    deep = coded.astype(np.uint16) * 257
    light = from_srgb_curve(deep, 1.0, np.uint16, has_alpha=False)
    linear = Photograph(light, colour={"gAMA": (100_000).to_bytes(4, "big")})
    write_photograph(linear, tmp_path / "linear.png")
    write_photograph(Photograph(deep), tmp_path / "coded.png")
    done = run("linear.png", "coded.png", "-o", "out")
    assert done.err == (
        "tfdeconv: note: linear.png holds linear numbers; they are enlarged on sRGB's curve and put back.\n"
    )
    again = read_photograph(tmp_path / "out" / "linear.png")
    assert again.colour == linear.colour
    seen = to_srgb_curve(again.pixels, 1.0, has_alpha=False)
    expected = read_photograph(tmp_path / "out" / "coded.png").pixels
    assert np.abs(seen.astype(int) - expected).max() <= 257


def test_kinds_that_are_only_read_become_png(run, photo, tmp_path):
    """Nothing is lost so; --format chooses another kind for all."""
    for name in ("b.gif", "c.bmp"):
        Image.fromarray(PIXELS).convert("P" if name == "b.gif" else "RGB").save(tmp_path / name)
    assert run(photo, "b.gif", "c.bmp", "-o", "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.png", "c.png", "photo.png"]
    assert run(photo, "c.bmp", "-o", "jpegs", "--format", "jpg").code == 0
    assert sorted(path.name for path in (tmp_path / "jpegs").iterdir()) == ["c.jpg", "photo.jpg"]
    with Image.open(tmp_path / "jpegs" / "c.jpg") as image:
        assert image.format == "JPEG"


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


def test_a_keras_file_of_another_enlarges(run, photo, tmp_path):
    """Any RGB upscaler, in tiles; a name without --server, and a model that is none, are refused."""
    image = keras.Input([None, None, 3])
    keras.Model(image, keras.layers.UpSampling2D(3)(image)).save(tmp_path / "triple.keras")
    done = run(photo, "-o", "larger.png", "--scale", 3, "--model", "triple.keras", "--tile", 8)
    assert done.code == 0, done.err
    expected = PIXELS.repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(read_photograph(tmp_path / "larger.png").pixels, expected)
    assert "is no .keras file. Give the path of one" in run(photo, "-o", "b.png", "--model", "triple").err
    keras.Model(image, keras.layers.ReLU()(image)).save(tmp_path / "same.keras")
    failed = run(photo, "-o", "c.png", "--model", "same.keras")
    assert (failed.code, "whole factor" in failed.err) == (2, True), failed
