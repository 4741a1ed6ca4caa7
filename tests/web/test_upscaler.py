"""The page for pictures in a real browser, in front of a real server."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from upscaler_page import TILE, difference, done, fractional, give, photo, png, saved, segmenter

import tfdeconv as td
from tfdeconv.cli.commands.upscale import command as upscale_command
from tfdeconv.cli.commands.web import command as web_command
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.web import PageServer


def from_command_line(tmp_path, image):
    """What `tfdeconv upscale` makes of a picture."""
    image.save(tmp_path / "in.png")
    arguments = [str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), "--scale", "2"]
    result = CliRunner().invoke(upscale_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return Image.open(tmp_path / "out.png")


def test_a_picture_of_four_megapixels_has_no_seams(visit, tmp_path):
    """Dozens of tiles are within one level of the command line's output, everywhere."""
    image = photo(2400, 1700)
    page = visit()
    give(page, ("large.png", png(image)))
    page.locator("li.running .text", has_text=re.compile(r"[1-9]\d* of \d+ tiles")).wait_for()
    done(page, "large.png", timeout=480_000)
    name, result = saved(page, "large.png")
    assert name == "large_x2.png"
    assert difference(result, from_command_line(tmp_path, image)).max() <= 1


def test_transparent_pictures(visit, tmp_path):
    """Opaque and invisible areas stay so, and visible colours are those of the command line."""
    image = photo(150, 110).convert("RGBA")
    alpha = np.zeros((110, 150), np.uint8)
    alpha[20:80, 30:120] = 255
    image.putalpha(Image.fromarray(alpha))
    page = visit()
    give(page, ("cut out.png", png(image)))
    done(page, "cut out.png")
    _, result = saved(page, "cut out.png")
    expected = from_command_line(tmp_path, image)
    difference_ = difference(result, expected)
    assert difference_[..., 3].max() <= 1
    opaque = np.asarray(expected)[..., 3] == 255
    assert opaque.sum() > 15_000
    assert difference_[opaque].max() <= 2  # a browser stores colours times alpha


def test_before_and_after(visit):
    """The slider moves the border, by keyboard too; 100% shows pixel for pixel."""
    page = visit(device_scale_factor=1)
    give(page, ("photo.png", png(photo(200, 150))))
    done(page, "photo.png")
    slider = page.get_by_role("slider", name="Share of the picture before")
    slider.fill("25")
    assert page.locator(".stage").evaluate("(stage) => stage.style.getPropertyValue('--split')") == "25%"
    slider.press("ArrowRight")
    assert slider.input_value() == "25.5"
    for zoom, width in (("1", 400), ("2", 800), ("0.5", 200)):
        page.get_by_label("Zoom").select_option(zoom)
        assert round(page.locator(".stage").bounding_box()["width"]) == width
    assert page.get_by_text("photo.png: 200 x 150 to 400 x 300 pixels").is_visible()
    assert page.locator("canvas.after").evaluate("(canvas) => canvas.width") == 400


def labels_of(model, image):
    """The classes of the whole picture, and where two of them score nearly the same."""
    scores = np.asarray(model(np.asarray(image, np.float32)[None] / 255)[0])
    best = np.sort(scores, axis=-1)
    return np.argmax(scores, axis=-1), best[..., -1] - best[..., -2] < 1e-5


@pytest.mark.parametrize(
    ("model", "size", "tiles"),
    [("segmenter", (600, 420), 4), ("segmenter", (120, 90), 1), ("untold_segmenter", (600, 420), 1)],
)
def test_label_maps(visit, model, size, tiles):
    """A segmenter gives an overlay to look at and a label map to save, those of the whole picture."""
    image = photo(*size)
    page = visit(model)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    give(page, ("scene.png", png(image)))
    done(page, "scene.png")
    assert sum(url.endswith(":predict") for url in requests) == tiles
    name, labels = saved(page, "scene.png", "Save labels")
    assert (name, labels.mode) == ("scene_labels.png", "L")
    expected, close = labels_of(segmenter(), image)
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(np.where(close, expected, np.asarray(labels)), expected)
    assert close.mean() < 1e-3
    name, overlay = saved(page, "scene.png")
    assert (name, overlay.size) == ("scene_overlay.png", size)
    tint = td.export.segmentation_bytes.colour_map(3)[expected]
    shown = np.asarray(image) + 0.6 * (expected > 0)[..., None] * (tint - np.asarray(image, float))
    assert np.abs(np.asarray(overlay.convert("RGB")) - shown)[~close].max() <= 0.51


def test_a_model_of_any_scale_and_size_in_its_own_tiles(visit):
    """Three halves, without padding: tiles start and end where the model says, and nothing is resized."""
    image = photo(433, 310)
    page = visit("fractional")
    assert page.locator("#kind").inner_text() == "x3/2"
    assert page.locator("#context").is_hidden()
    words = f"Large pictures go in exact tiles of up to {TILE} x {TILE} pixels."
    assert words in page.locator("#status").inner_text()
    give(page, ("photo.png", png(image)))
    done(page, "photo.png")
    name, result = saved(page, "photo.png")
    assert name == "photo_x3-2.png"
    expected = np.asarray(fractional()(np.asarray(image, np.float32)[None] / 255)[0]) * 255
    assert result.size == (expected.shape[1], expected.shape[0])
    assert np.abs(np.asarray(result.convert("RGB")) - expected).max() <= 0.51
    clear = image.copy()
    clear.putalpha(128)
    give(page, ("clear.png", png(clear)))
    row = page.locator("li.failed", has_text="clear.png")
    row.wait_for()
    assert "enlarges by 3/2, and a transparent picture needs a whole factor" in row.inner_text()


def test_a_model_that_does_not_say_its_tiles(visit):
    """It is said, the context can be chosen, and several tiles are said to show seams perhaps."""
    page = visit("untold")
    assert (
        "'untold' enlarges 2 times. It does not say how pictures are cut for it (export it with tile=)"
        in (page.locator("#status").inner_text())
    )
    page.locator("#context").fill("4")
    give(page, ("large.png", png(photo(700, 200))), ("small.png", png(photo(90, 60))))
    assert "1400 x 400 pixels, in 2 tiles that may show seams" in done(page, "large.png").inner_text()
    assert "seams" not in done(page, "small.png").inner_text()
    _, result = saved(page, "large.png")
    expected = photo(700, 200).resize((1400, 400), Image.Resampling.BILINEAR)
    assert difference(result, expected).max() <= 2


def test_what_is_no_picture(visit):
    """It is said in its row, and the pictures around it are worked on."""
    page = visit()
    whole = png(photo(60, 40))
    give(
        page, ("first.png", whole), ("text.png", b"no picture"), ("cut.png", whole[:60]), ("last.png", whole)
    )
    done(page, "last.png")
    for name in ("text.png", "cut.png"):
        row = page.locator("li.failed", has_text=name)
        assert "is no picture that this browser can read. Use PNG, JPEG" in row.inner_text()
    assert page.locator("li.done").count() == 2
    page.get_by_role("button", name="Remove text.png").click()
    assert page.locator("li").count() == 3
    page.get_by_role("button", name="Clear the list").click()
    assert page.locator("li").count() == 0
    assert page.locator(".compare").is_hidden()


def test_dropped_and_pasted_pictures(visit):
    """Files that are dropped or pasted anywhere on the page join the list."""
    page = visit()
    for kind, holder, name in (("drop", "dataTransfer", "a.png"), ("paste", "clipboardData", "b.png")):
        page.evaluate(
            """([kind, holder, name, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
                const options = { [holder]: transfer, bubbles: true, cancelable: true };
                const Kind = kind === "drop" ? DragEvent : ClipboardEvent;
                document.body.dispatchEvent(new Kind(kind, options));
            }""",
            [kind, holder, name, list(png(photo(20, 10)))],
        )
        done(page, name)


def test_a_server_that_dies_in_the_middle(visit, folder):
    """The picture fails in words; when the server is back, trying again works."""
    options = {
        "model_base_path": folder / "upscaler",
        "model_name": "upscaler",
        "grpc_port": None,
        "web": True,
    }
    server = td.serving.Server(**options, rest_port=0)
    server.start()
    port = server.rest_port
    try:
        page = visit(address=f"{server.rest_url}/")
        give(page, ("large.png", png(photo(1600, 1200))))
        page.locator("li.running .text", has_text=re.compile(r"[1-9]\d* of \d+ tiles")).wait_for()
        server.stop(grace=0)
        row = page.locator("li.failed", has_text="large.png")
        row.wait_for()
        assert re.search(
            r"The server at \S+ does not answer\. Is it running\?|The server is stopping", row.inner_text()
        )
        give(page, ("after.png", png(photo(30, 20))))
        page.locator("li.failed", has_text="after.png").wait_for()
        server = td.serving.Server(**options, rest_port=port)
        server.start()
        page.get_by_role("button", name="Try again after.png").click()
        done(page, "after.png")
        page.problems.clear()  # the failed requests
    finally:
        server.stop(grace=0)


def test_a_picture_can_be_stopped(visit):
    """Stop ends the work on a picture; the next one goes on."""
    page = visit()
    give(page, ("large.png", png(photo(1600, 1200))), ("small.png", png(photo(30, 20))))
    page.locator("li.running .text", has_text=re.compile(r"[1-9]\d* of \d+ tiles")).wait_for()
    page.get_by_role("button", name="Stop large.png").click()
    assert "stopped" in page.locator("li.failed", has_text="large.png").inner_text()
    done(page, "small.png")


def test_errors_of_the_server_are_shown_in_its_words(visit, new_page, folder):
    """A limit of the server, and a model that takes no pictures."""
    page = visit()
    page.locator("#models").select_option("double")
    page.locator("#status.bad").wait_for()
    assert "The model 'double' takes no pictures" in page.locator("#status").inner_text()
    with td.serving.Server(
        model_base_path=folder / "upscaler",
        model_name="upscaler",
        grpc_port=None,
        rest_port=0,
        web=True,
        max_rest_body_bytes=2000,
    ) as small:
        page = visit(address=f"{small.rest_url}/")
        give(page, ("photo.png", png(photo(90, 60))))
        row = page.locator("li.failed", has_text="photo.png")
        row.wait_for()
        assert "The request is larger than 2000 bytes, this server's limit" in row.inner_text()
    page.problems.clear()


def renderer_memory(browser):
    """Resident bytes of the processes that run pages."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [Path(f"/proc/{one['id']}/statm").read_text() for one in processes if one["type"] == "renderer"]
    return sum(int(numbers.split()[1]) for numbers in pages) * os.sysconf("SC_PAGE_SIZE")


def test_fifty_pictures_in_a_row(visit, browser):
    """The page's memory does not grow with the pictures that it has worked on."""
    page = visit()
    session = page.context.new_cdp_session(page)
    # Flat: the browser's tools, which drive this test, keep what is sent over the network.
    content = png(Image.new("RGB", (304, 240), (90, 120, 150)))
    memory = []
    for start in range(0, 50, 10):
        names = [f"photo {index}.png" for index in range(start, start + 10)]
        give(page, *[(name, content) for name in names])
        done(page, names[-1])
        assert page.locator("li.done").count() == 10
        page.get_by_role("button", name="Clear the list").click()
        session.send("HeapProfiler.collectGarbage")
        memory.append((renderer_memory(browser), session.send("Memory.getDOMCounters")["nodes"]))
    pictures = 30 * (2 * 304) * (2 * 240) * 4  # bytes of the enlarged pictures after the first twenty
    assert memory[-1][0] - memory[1][0] < pictures / 2, memory
    assert memory[-1][1] - memory[1][1] < 100, memory


def test_in_front_of_another_server(new_page, folder):
    """`tfdeconv web`: another origin that allows it, and does not list its models, as TensorFlow Serving."""
    with (
        td.serving.Server(
            model_base_path=folder / "upscaler",
            model_name="upscaler",
            grpc_port=None,
            rest_port=0,
            rest_api_enable_cors_support=True,
        ) as server,
        PageServer(home="/upscaler/", connect=[server.rest_url]) as pages,
    ):
        page = new_page()
        headers = {"Access-Control-Allow-Origin": "*"}
        page.route("**/modelz", lambda route: route.fulfill(status=404, headers=headers))
        page.goto(f"{pages.url}#server={server.rest_url}")
        page.get_by_text("This server does not list its models").wait_for()
        page.locator("#name").fill("upscaler")
        page.get_by_role("button", name="Use").click()
        page.get_by_text("'upscaler' enlarges 2 times.").wait_for()
        give(page, ("photo.png", png(photo(40, 30))))
        done(page, "photo.png")
        page.locator("#name").fill("nobody")
        page.get_by_role("button", name="Use").click()
        page.locator("#status.bad").wait_for()
        assert "nobody" in page.locator("#status").inner_text()
        page.locator("#server").fill("http://127.0.0.1:9")
        page.get_by_role("button", name="Connect").click()
        page.get_by_text("start it with `tfdeconv web --server http://127.0.0.1:9`").wait_for()
        page.problems.clear()


def test_the_first_model_that_takes_pictures_is_chosen(new_page, server):
    """Others in the list are passed over, and can be chosen to read why."""
    page = new_page()
    page.goto(f"{server.rest_url}/")
    page.locator("#status", has_text="in exact tiles").wait_for()
    assert page.locator("#models option").first.inner_text() == "double"
    assert page.locator("#models").input_value() == "fractional"


def test_a_choice_is_not_undone_by_an_older_answer(new_page, server):
    """Whoever chooses while the page still asks about another model keeps the choice."""
    page = new_page()
    late = []
    page.route("**/fractional/metadata", lambda route: late.append(route))
    page.goto(f"{server.rest_url}/")
    page.locator("#models option").first.wait_for(state="attached")
    page.wait_for_function("document.querySelector('#models').length > 3")
    page.locator("#models").select_option("untold")
    page.locator("#status", has_text="'untold' enlarges").wait_for()
    with page.expect_response("**/fractional/metadata"):
        late[0].continue_()
    page.wait_for_timeout(300)
    assert page.locator("#models").input_value() == "untold"
    assert "'untold' enlarges" in page.locator("#status").inner_text()


def test_it_is_off_by_default(folder):
    """Without `web` the REST port has no page; with it the policy is strict."""
    with td.serving.Server(
        model_base_path=folder / "upscaler", model_name="upscaler", grpc_port=None, rest_port=0
    ) as server:
        for path in ("/", "/upscaler/", "/explorer/", "/theme.css"):
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(server.rest_url + path)
            assert error.value.code == 404
            error.value.close()


def test_the_page_on_the_rest_port(server):
    """The same files under the same policy, and nothing but them; the API is as it was."""
    with urllib.request.urlopen(f"{server.rest_url}/upscaler/") as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-cache"
    for path in ("/upscaler/../../errors.py", "/upscaler/nothing.js", "/pages.py"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(server.rest_url + path)
        assert error.value.code == 404
        error.value.close()
    with urllib.request.urlopen(f"{server.rest_url}/v1/models/upscaler") as answer:
        assert answer.status == 200


def test_web_needs_a_rest_port():
    """There is no page without a port to show it on."""
    with pytest.raises(InvalidArgumentError, match="web shows its page on the REST port"):
        td.serving.ServerOptions(model_base_path="/m", rest_port=None, web=True)


@pytest.mark.parametrize(
    "address", ["localhost:8501", "http://a b", "ftp://host", "http://host/v1", "http://x; y"]
)
def test_the_address_of_the_server_is_checked(address):
    """What is no origin must not reach the page's policy."""
    result = CliRunner().invoke(web_command, ["--server", address])
    assert "--server must be scheme, host and port" in str(result.exception)


@pytest.mark.parametrize("width", [390, 1280, 3840])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(visit, width, scheme):
    """No width overflows, nothing moves while the page loads, and every control has a name."""
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("window.shifts") < 0.005, page.evaluate("window.moved")
    give(page, ("a picture with a rather long name that has to be broken somewhere.png", png(photo(60, 40))))
    done(page, "rather long")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, progress, canvas")]
            .filter((found) => found.checkVisibility())
            .filter((found) => !(found.ariaLabel || found.alt || found.textContent
                || found.labels?.[0]?.textContent))
            .map((found) => found.outerHTML)"""
    )
    assert nameless == []
