"""The explorer as a page: its links, its looks, what it loads, and where the tour shows it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from explorer_page import EXPLORER, call_of, set_number, state_of


@pytest.fixture(scope="module")
def shared_page(browser, explorer_server):
    """One page for tests that only change its address."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(explorer_server.url)
        yield page


LINKS = [
    "dims=1&words=torch&input=5&kernel=4&stride=3&dilation=2&padding=2&output_padding=1&values=1,-2,3,4,0.5&weights=bilinear",
    "dims=2&words=onnx&input=3x2&kernel=3x4&stride=2x1&dilation=1&padding=1,0x0,2&values=random:4&weights=learned:7",
    "dims=2&words=onnx&input=3&kernel=3&stride=2&dilation=1&padding=same_lower&output_shape=7x6&values=impulse&weights=ones",
    "dims=1&words=keras&input=4&kernel=3&stride=2&dilation=1&padding=same&output_shape=7&values=count&weights=1,2,3",
    "dims=2&words=caffe&input=2&kernel=3&stride=2&dilation=1&padding=1&values=ones&weights=ones",
]


@pytest.mark.parametrize("link", LINKS)
def test_the_link_restores_the_state(explorer, link):
    """What a link says is what is shown, and the address says the same again."""
    page = explorer(link)
    assert page.get_by_role("alert").inner_text() == ""
    assert state_of(page) == dict(parse_qsl(link))
    readout, call = page.locator(".readout").inner_text(), call_of(page, "ONNX")
    page.reload()
    page.locator(".readout").wait_for()
    assert (page.locator(".readout").inner_text(), call_of(page, "ONNX")) == (readout, call)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("dims=3", "dims must be 1, 2; received '3'."),
        ("words=mxnet", "words must be keras, torch, onnx, caffe; received 'mxnet'."),
        ("input=two", "input must be a number, or one for each of the 2 axes such as 3x4; received 'two'."),
        ("input=1x2x3", "received '1x2x3'"),
        ("words=torch&padding=same", "with PyTorch; received 'same'"),
        ("values=1,,2", "values must be count, ones, impulse, random or numbers separated by commas"),
        ("weights=Infinity", "received 'Infinity'"),
        ("kernle=3", "a link has no 'kernle'"),
        ("values=%3Cimg%20src=x%3E", "received '<img src=x>'"),
        ("dims=1&input=999", "input must be at most 16 to be drawn here; received 999"),
        ("dims=1&input=3&values=1,2", "values must be 3 numbers; received 2: 1,2."),
        ("words=caffe&output_padding=1", "must be left out with Caffe"),
    ],
)
def test_a_link_that_cannot_be_read(shared_page, link, words):
    """It is said what is wrong with it, as text; the page can be used afterwards."""
    page = shared_page
    page.evaluate("(link) => { location.hash = link; }", link)
    page.wait_for_function(f"{EXPLORER}.error.textContent !== ''")
    assert words in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Start again").click()
    assert page.locator(".readout").inner_text().endswith("= 10")


def test_links_and_calls_are_copied(explorer):
    """The clipboard holds the link, or the call beside the button."""
    page = explorer(permissions=["clipboard-read", "clipboard-write"])
    set_number(page, "strides", 3)
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied the link").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.get_by_role("button", name="Copy the call of PyTorch").click()
    page.get_by_text("Copied the call of PyTorch").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("ConvTranspose2d(1, 1, 3, stride=3")


@pytest.mark.parametrize("width", [390, 1280, 3840])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_does_not_jump(new_page, explorer_server, width, scheme):
    """No width overflows, nothing moves while the page loads, and text is read well in both schemes."""
    page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(explorer_server.url + "#" + LINKS[1])
    page.locator(".readout").wait_for()
    page.wait_for_function(f"{EXPLORER}.shadowRoot.querySelector('canvas').width > 0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.shifts") < 0.005
    for ink, ground in (("ink", "surface"), ("quiet", "raised"), ("bad", "surface"), ("on-accent", "accent")):
        assert contrast(page, ink, ground) >= 4.5, (ink, ground)


def contrast(page, *names):
    """WCAG's contrast of two colours of the theme."""
    luminances = []
    for name in names:
        text = page.evaluate(
            f"(name) => {{ const probe = {EXPLORER}.probe; probe.style.color = `var(--${{name}})`; "
            "return getComputedStyle(probe).color; }",
            name,
        )
        levels = np.array([float(level) for level in re.findall(r"[\d.]+", text)[:3]]) / 255
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        luminances.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def test_everything_has_a_name(explorer):
    """Screen readers can tell every control, picture and group."""
    page = explorer(LINKS[1])
    nameless = page.evaluate(
        f"""() => [...{EXPLORER}.shadowRoot
            .querySelectorAll("button, input, select, canvas, [role=group], fieldset")]
        .filter((found) => found.checkVisibility()).filter((found) => {{
            const labelled = found.getAttribute("aria-labelledby")?.split(" ") ?? [];
            const name = found.ariaLabel || found.textContent || found.closest("label")?.textContent
              || labelled.map((id) => found.getRootNode().getElementById(id)?.textContent).join("");
            return !name?.trim();
        }}).map((found) => found.outerHTML)"""
    )
    assert nameless == []


def test_print_and_no_javascript_show_the_still_picture(explorer, new_page, explorer_server):
    """What stands inside the element is shown there, and only there."""
    page = explorer()
    still = page.get_by_text("The explorer needs JavaScript")
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not page.locator(".app").is_visible()
    plain = new_page(java_script_enabled=False)
    plain.goto(explorer_server.url)
    assert plain.get_by_text("The explorer needs JavaScript").is_visible()


DOCS = Path(__file__).parents[2] / "docs"
EMBEDDED = [
    (page.stem, html.unescape(state), panels)
    for page in sorted(DOCS.rglob("*.md"))
    for state, panels in re.findall(r' state="([^"]*)" panels="([^"]*)">', page.read_text())
]


def test_the_tour_uses_the_explorer(shared_page):
    """Each place on the pages is a state that can be shown, with those panels and a link to the whole."""
    assert {page for page, _, _ in EMBEDDED} >= {"what-it-is", "strides-and-padding", "checkerboards"}
    for page, state, panels in EMBEDDED:
        shown = shared_page.evaluate(
            """([state, panels]) => {
                const made = document.createElement("upsampling-explorer");
                for (const [name, value] of Object.entries({ state, panels, page: "../explorer.html" }))
                    made.setAttribute(name, value);
                document.body.append(made);
                const found = {
                    error: made.error.textContent,
                    panels: made.panels.map((panel) => panel.id).join(),
                    link: made.open.getAttribute("href"),
                };
                made.remove();
                return found;
            }""",
            [state, panels],
        )
        assert (shown["error"], shown["panels"]) == ("", panels), page
        assert shown["link"].startswith("../explorer.html#dims=")
        given = dict(parse_qsl(state))
        assert {name: dict(parse_qsl(shown["link"].partition("#")[2]))[name] for name in given} == given


@pytest.mark.parametrize("page", sorted({page for page, _, _ in EMBEDDED}))
def test_pages_with_an_explorer_load_it_and_keep_their_pictures(page):
    """Without JavaScript and in print the still picture is there."""
    (text,) = [path.read_text() for path in DOCS.rglob(f"{page}.md")]
    assert text.count('<script type="module" src="../web/explorer/element.js"></script>') == 1
    for inside in re.findall(r"<upsampling-explorer[^>]*>(.*)</upsampling-explorer>", text):
        assert inside == "" or inside.startswith("![")


def test_only_its_own_files_are_loaded(new_page, explorer_server):
    """No request leaves the page's server."""
    page = new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(explorer_server.url)
    page.locator(".readout").wait_for()
    assert len(asked) > 10
    assert [
        url for url in asked if not url.startswith((f"http://127.0.0.1:{explorer_server.port}/", "data:"))
    ] == []
