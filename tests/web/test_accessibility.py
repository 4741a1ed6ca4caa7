"""Keyboard and screen reader: what Chromium tells assistive software, the order of the focus, contrasts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from upscaler_page import done, give, photo, png

HERE = Path(__file__).parent
CONTROLS = {
    *("button", "checkbox", "combobox", "link", "radio", "slider", "spinbutton", "textbox", "tab"),
    *("application", "image", "img", "meter", "progressbar", "group", "region", "Canvas"),
}

CONTRASTS = (HERE / "contrasts.js").read_text()

FOCUSED = (HERE / "focused.js").read_text()


def explorer(new_page, request, **options):
    """The explorer with every kind of control on: ONNX's words, own sizes for the axes, random numbers."""
    server = request.getfixturevalue("explorer_server")
    page = new_page(**options)
    state = (
        "words=onnx&input=2x3&kernel=3&stride=2&padding=1&output_shape=4x5&values=random:1&weights=learned:1"
    )
    page.goto(f"{server.url}#{state}")
    page.locator(".readout").wait_for()
    return page


def explorer_with_an_error(new_page, request, **options):
    """A configuration that the library refuses."""
    server = request.getfixturevalue("explorer_server")
    page = new_page(**options)
    page.goto(f"{server.url}#words=torch&input=2&kernel=3&stride=2&padding=1&output_padding=2")
    page.locator(".error", has_text="output_padding").wait_for()
    return page


def upscaler(new_page, request, **options):
    """The page for pictures with one that is done, one that failed, and a model without tiles."""
    page = request.getfixturevalue("visit")("untold", **options)
    give(page, ("photo.png", png(photo(90, 60))), ("text.png", b"no picture"))
    done(page, "photo.png")
    page.locator("li.failed", has_text="text.png").wait_for()
    return page


@pytest.mark.parametrize("open_page", [explorer, explorer_with_an_error, upscaler])
def test_every_control_has_a_name_of_its_own(new_page, request, open_page):
    """In the accessibility tree, as a screen reader gets it; controls of one kind are told apart by name."""
    page = open_page(new_page, request)
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in tree
        if not node["ignored"] and node["role"]["value"] in CONTROLS
    ]
    assert len(found) > 12
    # a group without a name is a box for its looks, which browsers may report
    assert [role for role, name in found if not name and role != "group"] == []
    names = [entry for entry in found if entry[0] in {"button", "combobox", "spinbutton", "textbox", "radio"}]
    assert {entry for entry in names if names.count(entry) > 1} == set()


@pytest.mark.parametrize("open_page", [explorer, upscaler])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_goes_through_the_page_in_reading_order_and_shows(new_page, request, open_page, scheme):
    """Tab visits controls from top to bottom, each with an outline and in sight, and leaves at the end."""
    page = open_page(new_page, request, color_scheme=scheme)
    page.locator("body").evaluate("() => document.activeElement.blur()")
    visited = []
    for _ in range(150):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["index"] < 0:
            break
        visited.append(focused)
    else:
        pytest.fail("the focus never left the page")
    assert len(visited) > 8
    places = [focused["index"] for focused in visited]
    assert places == sorted(places)
    assert [focused["html"] for focused in visited if not focused["shown"]] == []
    assert [focused["html"] for focused in visited if not focused["seen"]] == []


@pytest.mark.parametrize("open_page", [explorer, explorer_with_an_error, upscaler])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_read_well(new_page, request, open_page, scheme):
    """WCAG's contrast of every visible text with what lies under it is 4.5 or more."""
    page = open_page(new_page, request, color_scheme=scheme)
    assert page.evaluate(CONTRASTS) == []


def test_the_check_of_contrasts_can_fail(new_page):
    """Grey on grey is found."""
    page = new_page()
    page.set_content("<p style='color: #888; background: #aaa'>text</p><p style='color: #000'>text</p>")
    ((contrast, *_),) = page.evaluate(CONTRASTS)
    assert float(contrast) < 2


def test_numbers_on_cells_are_read_well(new_page, explorer_server):
    """Whatever the colour of a cell, the text on it has a contrast of 4.5 or more."""
    page = new_page()
    page.goto(explorer_server.url)
    worst = page.evaluate(
        """async () => {
            const { textOn } = await import("./palette.js");
            const level = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            let worst = 21;
            for (let code = 0; code < 32 ** 3; code++) {
                const colour = [code >> 10, (code >> 5) & 31, code & 31].map((step) => (255 * step) / 31);
                const [r, g, b] = colour.map(level);
                const l = 0.2126 * r + 0.7152 * g + 0.0722 * b;
                const isWhite = textOn(colour) === "#ffffff";
                worst = Math.min(worst, isWhite ? 1.05 / (l + 0.05) : (l + 0.05) / 0.05);
            }
            return worst;
        }"""
    )
    assert worst >= 4.5


def test_what_changes_is_told(new_page, request):
    """Errors are alerts, progress and results are statuses, and the sum under the pointer is a live text."""
    page = explorer(new_page, request)
    assert page.get_by_role("alert").count() == 1
    assert page.locator(".readout").get_attribute("aria-live") == "polite"
    page = upscaler(new_page, request)
    row = page.locator("li", has_text="text.png")
    assert re.search("is no picture", row.get_by_role("status").inner_text())
