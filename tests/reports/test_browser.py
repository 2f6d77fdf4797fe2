"""The report as a browser shows it. Needs Debian's package `chromium`; pictures go to the folder REPORT_PICTURES names."""

import os
import shutil
from pathlib import Path

import pytest

from within_wf.reports.page import render_page

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: install Debian's package chromium"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width", "height"), [("desktop", 1280, 900), ("phone", 390, 844)])
@pytest.mark.parametrize("which", ["ads", "accounts"])
def test_fits_the_screen_and_asks_for_nothing(browser, request, tmp_path, which, device, width, height, scheme):
    page_file = tmp_path / "report.html"
    page_file.write_text(render_page(request.getfixturevalue(which)))
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda asking: asked.append(asking.url))
    page.goto(page_file.as_uri())
    assert asked == [page_file.as_uri()]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "[...document.querySelectorAll('p, td, th, svg text')].filter(e => e.getClientRects().length && "
        "e.getBoundingClientRect().height < 9).length"
    )
    assert small == 0
    if "REPORT_PICTURES" in os.environ:
        page.screenshot(path=Path(os.environ["REPORT_PICTURES"]) / f"{which}-{device}-{scheme}.png", full_page=True)
    context.close()


def contrast(page):
    """The least contrast between text and ground of the page (WCAG 2), over elements that hold text themselves."""
    return page.evaluate(
        """() => {
        const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
        const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)|transparent/.test(c)) return c } return 'rgb(255, 255, 255)' };
        return Math.min(...[...document.querySelectorAll('body *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.getClientRects().length)
            .map(e => { const s = getComputedStyle(e), a = light(e.closest('svg') ? s.fill : s.color), b = light(ground(e));
                return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) })) }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser, ads, tmp_path, scheme):
    page_file = tmp_path / "report.html"
    page_file.write_text(render_page(ads))
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert contrast(page) >= 4.5
    context.close()
