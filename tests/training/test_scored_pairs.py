import numpy as np
import pytest
from PIL import Image

from tfdeconv.errors import ImageError, InvalidArgumentError
from tfdeconv.training.scored_pairs import scored_pairs


def save(path, height, width):
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path)


def test_originals_alone_are_degraded(tmp_path):
    """An image without a partner is cropped to a multiple of the scale and reduced."""
    save(tmp_path / "b.png", 25, 27)
    save(tmp_path / "a.png", 24, 24)
    pairs = list(scored_pairs(tmp_path, 3))
    assert [pair.name for pair in pairs] == ["a", "b"]
    assert pairs[1].high.shape == (24, 27, 3)
    assert pairs[1].low.shape == (8, 9, 3)


def test_published_pairs_are_taken_as_they_are(tmp_path):
    """NAME_hr goes with NAME_lr and loses the rows and columns beyond a multiple of the scale."""
    save(tmp_path / "a_hr.png", 25, 27)
    save(tmp_path / "a_lr.png", 8, 9)
    save(tmp_path / "notes.png", 3, 3)
    (pair,) = scored_pairs(tmp_path, 3)
    assert pair.name == "a"
    assert pair.high.shape == (24, 27, 3)


def test_a_set_with_a_folder_for_each_scale(tmp_path):
    """Of a set laid out as x2, x3, x4 the folder of the asked scale is scored."""
    for scale, side in ((2, 12), (3, 8)):
        (tmp_path / f"x{scale}").mkdir()
        save(tmp_path / f"x{scale}" / "a_hr.png", 24, 24)
        save(tmp_path / f"x{scale}" / "a_lr.png", side, side)
    assert [next(scored_pairs(tmp_path, scale)).low.shape[0] for scale in (2, 3)] == [12, 8]


@pytest.mark.parametrize("suffix", ["", "_hr"])
def test_an_image_too_small_for_ssim_is_named(tmp_path, suffix):
    """11 pixels a side inside the border of SCALE pixels are needed."""
    save(tmp_path / f"a{suffix}.png", 17, 40)
    save(tmp_path / "a_lr.png", 5, 13)
    with pytest.raises(
        InvalidArgumentError, match=rf"a{suffix}\.png must have at least 17 pixels .* received 39x15\."
    ):
        list(scored_pairs(tmp_path, 3))


def test_a_pair_of_another_scale_is_refused(tmp_path):
    """Files whose sizes do not differ by the scale are named, with the sizes."""
    save(tmp_path / "a_hr.png", 12, 12)
    save(tmp_path / "a_lr.png", 4, 4)
    with pytest.raises(InvalidArgumentError, match=r"a_hr.png must be 2 times.*12x12 and 4x4"):
        list(scored_pairs(tmp_path, 2))


def test_an_original_without_partner_is_refused(tmp_path):
    """Where some files are called _hr, each needs its _lr."""
    save(tmp_path / "a_hr.png", 12, 12)
    with pytest.raises(InvalidArgumentError, match=r"must hold a_lr beside a_hr\.png"):
        list(scored_pairs(tmp_path, 2))


def test_folders_that_hold_nothing_are_refused(tmp_path):
    """A missing folder and one without images are told apart."""
    with pytest.raises(InvalidArgumentError, match="is not a folder"):
        list(scored_pairs(tmp_path / "missing", 2))
    with pytest.raises(InvalidArgumentError, match="holds none"):
        list(scored_pairs(tmp_path, 2))


def test_a_file_that_is_no_image_is_named(tmp_path):
    """A damaged file is an ImageError with its path, not a traceback of Pillow."""
    (tmp_path / "broken.png").write_bytes(b"not an image")
    with pytest.raises(ImageError, match=r"broken.png.*cannot be read as an image"):
        list(scored_pairs(tmp_path, 2))
