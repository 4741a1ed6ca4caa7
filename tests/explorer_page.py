"""How tests use the explorer's page."""

from __future__ import annotations

from urllib.parse import parse_qsl

EXPLORER = "document.querySelector('upsampling-explorer')"


def state_of(page):
    return dict(parse_qsl(page.evaluate("location.hash.slice(1)"), keep_blank_values=True))


def call_of(page, framework):
    """The call shown for a framework, with its note."""
    return page.locator(f"dt:text-is('{framework}') + dd > div").inner_text()


def set_number(page, name, value, axis=0):
    page.get_by_role("spinbutton", name=name).nth(axis).fill(str(value))


def point_at(page, panel, row, column):
    place = page.evaluate(
        f"""([id, row, column]) => {{
            const {{ grid }} = {EXPLORER}.panels.find((panel) => panel.id === id);
            grid.canvas.scrollIntoView({{ block: "center" }});
            return grid.centre(row, column);
        }}""",
        [panel, row, column],
    )
    page.mouse.move(place["x"], place["y"])
