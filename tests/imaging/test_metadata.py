"""XMP, IPTC and comments go from every format to every other, as far as it has a place for them."""

import numpy as np
import pytest
import tifffile
from imaging.pictures import pattern
from PIL import Image, IptcImagePlugin

from tfdeconv.imaging import Photograph, read_photograph, write_photograph
from tfdeconv.imaging.formats.metadata.iptc import iptc_of_resources, resource_block
from tfdeconv.imaging.formats.metadata.xmp import orientation_of_xmp, resized_xmp, upright_xmp

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:e="http://ns.adobe.com/exif/1.0/" tiff:Orientation="{}" e:PixelXDimension="{}">'
    "<dc:creator>José 山田</dc:creator><e:PixelYDimension>{}</e:PixelYDimension>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
IPTC = b"\x1c\x02\x05\x00\x05title\x1c\x02\x50\x00\x05Jos\xc3\xa9\x1c\x02\x19\x00\x03sea"


def xmp(orientation: int, width: int, height: int) -> bytes:
    return XMP.format(orientation, width, height).encode()


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_xmp_goes_through_with_the_new_size(tmp_path, suffix, dtype):
    """Byte for byte but for what a larger picture changes; Pillow and tifffile find it as well."""
    path = tmp_path / f"a.{suffix}"
    photograph = Photograph(pattern(3, dtype), xmp=xmp(1, 14, 9))
    assert write_photograph(photograph.with_pixels(pattern(3, dtype, height=18, width=28)), path) == ()
    assert read_photograph(path).xmp == xmp(1, 28, 18)
    if suffix == "tif":
        with tifffile.TiffFile(path) as file:
            assert file.pages[0].tags[700].value == xmp(1, 28, 18)
    else:
        with Image.open(path) as image:
            image.load()
            found = image.info["xmp"]
        assert (found.encode() if isinstance(found, str) else found) == xmp(1, 28, 18)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_the_orientation_of_xmp_is_applied_once(tmp_path, suffix):
    """Where there is no EXIF it counts; afterwards the packet says upright, so no reader turns it again."""
    path = tmp_path / f"a.{suffix}"
    write_photograph(Photograph(pattern(3), xmp=xmp(6, 14, 9)), path)
    turned = read_photograph(path)
    if suffix != "tif":  # TIFF has a tag of its own for it, which counts
        assert turned.pixels.shape == (14, 9, 3)
    assert orientation_of_xmp(turned.xmp) == 1
    write_photograph(turned, tmp_path / f"b.{suffix}")
    assert read_photograph(tmp_path / f"b.{suffix}").pixels.shape == turned.pixels.shape


def test_thumbnails_leave_xmp():
    """They show the picture as it lay."""
    packet = (
        b'<x xmlns:xap="http://ns.adobe.com/xap/1.0/"><xap:Thumbnails>\n<rdf:Alt/>AAAA</xap:Thumbnails>'
        b"<kept/></x>"
    )
    assert upright_xmp(packet) == b'<x xmlns:xap="http://ns.adobe.com/xap/1.0/"><kept/></x>'


@pytest.mark.parametrize("packet", [b"", b"no xml", "<x/>".encode("utf-16"), b"<tiff:Orientation>6"])
def test_packets_that_make_no_sense_stay(packet):
    """What cannot be read here may be read elsewhere."""
    assert orientation_of_xmp(packet) == 1
    assert upright_xmp(packet) == packet
    assert resized_xmp(packet, width=1, height=1) == packet


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_iptc_goes_through_byte_for_byte(tmp_path, suffix, dtype):
    """And Pillow's own parser finds the title in JPEG and TIFF."""
    path = tmp_path / f"a.{suffix}"
    assert write_photograph(Photograph(pattern(3, dtype), iptc=IPTC), path) == ()
    assert read_photograph(path).iptc == IPTC
    if suffix == "jpg":
        with Image.open(path) as image:
            assert IptcImagePlugin.getiptcinfo(image)[(2, 5)] == b"title"


def test_iptc_of_other_writers_is_found(tmp_path):
    """As 32-bit numbers or within Photoshop's blocks in TIFF, in hexadecimal digits in PNG."""
    blocks = b"8BIM\x03\xed\x03abc\x00\x00\x00\x02zz" + resource_block(IPTC)
    assert iptc_of_resources(blocks) == IPTC
    path = tmp_path / "a.tif"
    for dtype in (np.uint8, np.uint16):
        tifffile.imwrite(
            path, pattern(3, dtype), photometric="rgb", extratags=[(34377, 1, len(blocks), blocks, True)]
        )
        assert read_photograph(path).iptc == IPTC


@pytest.mark.parametrize(
    "blocks", [b"", b"8BIM", b"8BIM\x04\x04\x00\x00\xff\xff\xff\xff", b"8BIM\x04\x04\xff"]
)
def test_resource_blocks_that_end_early_are_none(blocks):
    """Or hold what there is."""
    assert iptc_of_resources(blocks) is None


@pytest.mark.parametrize(
    ("suffix", "lost"),
    [
        ("webp", "IPTC, comments (Title, Comment)"),
        ("jpg", "XMP of 70,000 bytes (it ends at 65,504), comments (Title)"),
        ("tif", "comments (Title, Comment)"),
        ("png", None),
    ],
)
def test_what_has_no_place_is_told_in_one_note(tmp_path, suffix, lost):
    """And nothing else is lost."""
    packet = b"x" * (70_000 if suffix == "jpg" else 70)
    text = {"Title": "Street", "Comment": "Sea"}
    path = tmp_path / f"a.{suffix}"
    notes = write_photograph(Photograph(pattern(3), xmp=packet, iptc=IPTC, text=text), path)
    assert notes == (() if lost is None else (f"lacks what {path_kind(suffix)} has no place for: {lost}",))
    again = read_photograph(path)
    if suffix == "jpg":
        assert again.text == {"Comment": "Sea"}
        assert again.iptc == IPTC


def path_kind(suffix):
    return {"webp": "WebP", "jpg": "JPEG", "tif": "TIFF"}[suffix]


def test_a_comment_of_jpeg_and_gif_is_read(tmp_path):
    """And becomes a text of PNG."""
    for suffix in ("jpg", "gif"):
        Image.fromarray(pattern(3)).save(tmp_path / f"a.{suffix}", comment="Straße".encode())
        assert read_photograph(tmp_path / f"a.{suffix}").text == {"Comment": "Straße"}
