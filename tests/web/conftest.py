"""Debian's Chromium, driven by Playwright; the tests in it are skipped where one of them is missing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from upscaler_page import export_models

import tfdeconv as td
from tfdeconv.web import PageServer

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """One browser for a module; not for the session, where Playwright's event loop would trouble others."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: `make browser` installs it")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser):
    """Make pages in contexts of their own; what a page logs or throws fails the test."""
    contexts, problems = [], []

    def make(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.add_init_script(path=Path(__file__).with_name("layout_shifts.js"))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.problems = problems
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of served models, with its models.config."""
    base = tmp_path_factory.mktemp("models")
    export_models(base)
    return base


@pytest.fixture(scope="module")
def server(folder):
    """A server of these models that shows the page."""
    with td.serving.Server(
        model_config_file=folder / "models.config", grpc_port=None, rest_port=0, web=True
    ) as server:
        yield server


@pytest.fixture
def visit(new_page, server):
    """The page for pictures on the server's own port, with a model chosen."""

    def open_page(model="upscaler", address=None, **options):
        page = new_page(**options)
        page.goto(address or f"{server.rest_url}/")
        page.locator("#models option").first.wait_for(state="attached")
        page.locator("#models").select_option(model)
        page.locator("#status", has_text=f"'{model}'").filter(
            has_text=re.compile("enlarges|labels")
        ).wait_for()
        return page

    return open_page


@pytest.fixture(scope="module")
def explorer_server():
    """A server of the explorer's page."""
    with PageServer() as server:
        yield server


@pytest.fixture
def explorer(new_page, explorer_server):
    """Open the explorer at a state; without one, as it is."""

    def visit(state="", **options):
        page = new_page(**options)
        page.goto(explorer_server.url + (f"#{state}" if state else ""))
        page.locator(".readout").wait_for()
        return page

    return visit
