"""The explorer in the built site: nothing jumps, and it works where the files are opened without a server."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site's folder, without the reference and the guides, which hold no explorer."""
    commands = pytest.importorskip("mkdocs.commands.build")
    from mkdocs.config import load_config

    base = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", base / "docs", ignore=shutil.ignore_patterns("api", "howto", "notebooks"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        patch.chdir(ROOT)
        config = load_config(
            str(ROOT / "mkdocs.yml"),
            docs_dir=str(base / "docs"),
            site_dir=str(base / "site"),
            plugins=["search", "offline"],
            nav=None,
            strict=False,
        )
        config.plugins.run_event("startup", command="build", dirty=False)
        commands.build(config)
    return base / "site"


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served; pictures and the explorer come late, as over a slow line."""

    class Slow(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith(("/images/", "/web/explorer/element.js", "/web/theme.css")):
                time.sleep(0.2)
            super().do_GET()

        def log_message(self, *_):
            pass

    handler = functools.partial(Slow, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def illustrated():
    """The pages that hold an explorer or pictures."""
    docs = ROOT / "docs"
    shown = [docs / "explorer.md", docs / "index.md", *(docs / "tour").glob("*.md")]
    pages = sorted(
        path for path in shown if "<upsampling-explorer" in path.read_text() or "![" in path.read_text()
    )
    return [str(path.relative_to(docs).with_suffix(".html")) for path in pages]


def drawn(page):
    """Wait until every explorer of a page has drawn its panels, and the page is at rest."""
    page.wait_for_function(
        """() => [...document.querySelectorAll("upsampling-explorer")].every((one) => one.shadowRoot
            && [...one.shadowRoot.querySelectorAll(".panel canvas")].every((canvas) => canvas.width > 0)
            && one.shadowRoot.querySelector(".panel") && !one.app.hidden)"""
    )
    page.wait_for_timeout(150)


@pytest.mark.parametrize("width", [390, 1280, 3840])
def test_nothing_jumps_while_a_page_loads(new_page, address, width):
    """The sum of Chromium's layout shifts on every page with an explorer or pictures is nearly none."""
    page = new_page(viewport={"width": width, "height": 900})
    jumps = {}
    for name in illustrated():
        page.goto(f"{address}/{name}")
        page.wait_for_load_state("load")
        drawn(page)
        if page.evaluate("window.shifts") >= 0.005:
            jumps[name] = page.evaluate("[window.shifts, ...window.moved]")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert jumps == {}


def test_the_measure_of_jumps_can_fail(new_page):
    """A block that comes and goes with each frame pushes the text down, which is counted."""
    page = new_page()
    page.goto("data:text/html,<p id=a>text</p><p>more</p>")
    page.evaluate("window.block = Object.assign(document.createElement('div'), {style: 'height: 300px'})")
    page.wait_for_function(
        """() => {
            if (block.isConnected) block.remove(); else document.body.prepend(block);
            return window.shifts > 0.005;
        }""",
        polling="raf",
    )


@pytest.mark.parametrize("name", ["explorer.html", "tour/strides-and-padding.html"])
def test_it_works_where_the_files_are_opened(new_page, site, name):
    """Without a server: drawn, with its style, and alive."""
    page = new_page()
    page.goto((site / name).as_uri())
    drawn(page)
    explorer = page.locator("upsampling-explorer").first
    assert explorer.locator(".still").evaluate("(still) => getComputedStyle(still).display") == "none"
    before = explorer.locator(".readout").inner_text()
    explorer.get_by_role("spinbutton", name="input size").first.fill("5")
    explorer.get_by_role("application", name="Output of").press("ArrowLeft")
    assert explorer.locator(".readout").inner_text() != before
    refused = [problem for problem in page.problems if "element.js" in problem or "ERR_FAILED" in problem]
    assert len(refused) == len(page.problems) <= 2  # the browser says that it refused the module itself
    page.problems.clear()
