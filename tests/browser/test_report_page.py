"""The report's page as a reader's browser shows it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callagent_cli.domain.duration import duration_text
from callagent_cli.reporting.page import html_pieces, value_at
from callagent_cli.reporting.report import read_report
from tests.support.browser import Browser
from tests.support.many_calls import HOSTILE, ledger_of
from tests.support.report_pages import Made, large_page, made_of, troubled_page

MOST_BYTES = 3_000_000
WIDTHS = (360, 1400)
SCHEMES = ("light", "dark")
FORMS: dict[str, Callable[[Any], str]] = {
    "count": lambda n: f"{n:,}",
    "usd": lambda usd: f"{usd:,.2f}",
    "mills": lambda usd: f"{usd:,.3f}",
    "ms": lambda ms: duration_text(ms / 1000),
    "percent": lambda share: f"{share:.0%}",
    "time": lambda at: at[:16].replace("T", " "),
}


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return large_page(tmp_path_factory.mktemp("large"), 10_000)


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return troubled_page(tmp_path_factory.mktemp("troubled"))


@pytest.fixture(params=["large", "troubled"])
def page(request: pytest.FixtureRequest) -> Made:
    made: Made = request.getfixturevalue(request.param)
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_opens_without_complaint_request_or_sideways_scrolling(
    browser: Browser, page: Made, width: int, scheme: str
) -> None:
    browser.open(page.path, width=width, scheme=scheme)
    assert browser.run("return document.querySelectorAll('#contacts tbody tr').length") > 0
    assert browser.complaints() == []
    assert browser.requests() == [page.path.absolute().as_uri()]
    assert browser.run("return document.documentElement.scrollWidth") <= width
    beyond = """
        return [...document.querySelectorAll("main *")].filter((e) =>
            e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".wide-table, svg"))
            .map((e) => e.outerHTML.slice(0, 90))"""
    assert browser.run(beyond) == []
    cut = """
        return [...document.querySelectorAll(".wide-table")].filter((e) =>
            !e.closest("details") && e.scrollWidth > e.clientWidth).map((e) => e.textContent)"""
    assert browser.run(cut) == []


def test_page_of_ten_thousand_contacts_is_small(large: Made) -> None:
    assert len(large.told["contacts"]) == 10_000
    assert large.path.stat().st_size < MOST_BYTES


def test_every_number_is_the_one_of_json(browser: Browser, page: Made) -> None:
    browser.open(page.path, width=1400)
    shown = browser.run("""
        return [...document.querySelectorAll("[data-json]")].map((e) =>
            [e.dataset.json, e.dataset.form, e.textContent])""")
    assert len(shown) > 40
    for path, form, text in shown:
        value = value_at(page.told, path)
        assert text == ("–" if value is None else FORMS[form](value)), path


def test_no_number_stands_outside_what_is_compared(browser: Browser, page: Made) -> None:
    """But for axes, names and texts that the campaign brought along."""
    browser.open(page.path, width=1400)
    bare = browser.run("""
        const told = document.querySelector("main").cloneNode(true);
        for (const known of told.querySelectorAll(
            "[data-json], svg, .contacts, .text, .causes, h1, figcaption small, thead"))
            known.remove();
        return told.textContent""")
    assert re.findall(r"\d+", bare) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("chart", "path"), [("Contacts", "totals"), ("How calls", "dispositions")]
)
def test_a_charts_bars_are_the_numbers_of_json(
    browser: Browser, page: Made, chart: str, path: str, width: int
) -> None:
    browser.open(page.path, width=width)
    drawn = browser.run(
        """
        const figure = [...document.querySelectorAll("figure")].find((f) =>
            f.querySelector("figcaption").textContent.startsWith(arguments[0]));
        const svg = [...figure.querySelectorAll("svg[role=img]")].find((s) =>
            s.getBoundingClientRect().width > 0);
        const texts = (where) => [...svg.querySelectorAll(where)].map((t) => t.textContent)
            .filter(Boolean);
        return [texts(".axis.y text"), texts(".text-overlay text")]""",
        chart,
    )
    counts = {name.replace("_", " "): f"{n:,}" for name, n in page.told[path].items() if n}
    assert dict(zip(drawn[0], drawn[1], strict=True)) == counts


def test_timeline_draws_every_state_incident_and_alert(
    browser: Browser, large: Made, troubled: Made
) -> None:
    """Each span of a breaker is a line of its own."""
    drawn = """
        const svg = document.querySelector(".timeline svg.wide");
        return Object.fromEntries([...svg.querySelectorAll("[class*=of-]")].map((g) =>
            [g.getAttribute("class"), g.querySelectorAll("path.line, circle").length])
            .filter(([_, n]) => n))"""
    browser.open(large.path, width=1400)
    lines = browser.run(drawn)
    for state in ("closed", "half_open", "open", "forced_open"):
        spans = [span for span in large.told["breakers"] if span["state"] == state]
        assert lines[f"series of-{state}"] == len(spans) > 0
    browser.open(troubled.path, width=1400)
    lines = browser.run(drawn)
    assert lines["series of-incident"] == len(troubled.told["incidents"]) > 0
    assert 0 < lines["series of-alert"] <= len(troubled.told["alerts"])


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_can_be_read(browser: Browser, page: Made, scheme: str, media: str) -> None:
    """Contrast of WCAG AA: 4.5, of large text 3."""
    browser.open(page.path, width=1400, scheme=scheme, media=media)
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    weak = browser.run("""
        const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const light = (colour) => {
            const [r, g, b] = numbers(colour).map((c) => c / 255)
                .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const isClear = (colour) => colour === "transparent" || numbers(colour)[3] === 0;
        const ground = (e) => {
            for (; e; e = e.parentElement) {
                const colour = getComputedStyle(e).backgroundColor;
                if (!isClear(colour)) return colour;
            }
            return "rgb(255, 255, 255)";
        };
        const weak = [];
        for (const e of document.querySelectorAll("body *")) {
            const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
            if (!own || !e.checkVisibility() || e.closest("title, script, style")) continue;
            const style = getComputedStyle(e);
            const ink = e.closest("svg") ? style.fill : style.color;
            const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
                weak.push([e.textContent.slice(0, 40), ink, ground(e), ratio]);
        }
        return weak""")
    assert weak == []


def test_search_finds_by_name_number_state_and_cause(browser: Browser, large: Made) -> None:
    browser.open(large.path, width=1400)

    def found(words: str, state: str = "") -> str:
        browser.run(
            """
            const [search, state] = [document.getElementById("search"),
                                     document.getElementById("state")];
            search.value = arguments[0]; state.value = arguments[1];
            search.dispatchEvent(new Event("input"));""",
            words,
            state,
        )
        said: str = browser.run("return document.getElementById('found').textContent")
        return said

    failed, dropped = large.told["totals"]["failed"], 0
    for contact in large.told["contacts"]:
        dropped += any("dropped" in (each["error"] or "") for each in contact["attempts"])
    assert found("") == "10,000 contacts"
    assert found("PERSON c004321") == "1 of 10,000 contacts"
    assert found("", "failed") == f"{failed:,} of 10,000 contacts"
    assert found("line dropped") == f"{dropped:,} of 10,000 contacts"
    assert found("nobody has this") == "0 of 10,000 contacts"


def test_pages_turn_and_a_contact_tells_its_attempts(browser: Browser, large: Made) -> None:
    browser.open(large.path, width=1400)
    second = browser.run("""
        document.getElementById("on").click();
        const line = document.querySelector("#contacts tbody tr");
        line.querySelector("button").click();
        const told = [...document.querySelectorAll(".story li")].map((e) => e.textContent);
        return [line.cells[0].textContent, document.getElementById("page").textContent, told]""")
    assert second[0] == "Person Number 50 c000050"
    assert second[1] == "51 to 100"
    [attempt] = large.told["contacts"][50]["attempts"]
    [told] = second[2]
    assert told.startswith(f"attempt 1: {attempt['disposition'].replace('_', ' ')} · 2026-03-02")
    assert attempt["conversation_id"] in told


def test_hostile_text_is_shown_and_does_nothing(browser: Browser, large: Made) -> None:
    browser.open(large.path, width=1400)
    name = browser.run("return document.querySelectorAll('.who')[1].textContent")
    assert name == " ".join(HOSTILE.split())
    assert browser.run("return document.querySelectorAll('main img').length") == 0
    assert browser.complaints() == []


def test_numbers_are_masked_unless_told_otherwise(tmp_path: Path) -> None:
    with ledger_of(tmp_path / "state", 20) as ledger:
        for show_pii in (False, True):
            report = read_report(ledger, "spring", show_pii=show_pii)
            page = "".join(html_pieces(report, is_sandbox=False))
            assert ("+12020000006" in page) is show_pii
            assert "+1202*****06" in page or show_pii


def test_page_of_a_campaign_without_a_call_says_so_much(browser: Browser, tmp_path: Path) -> None:
    with ledger_of(tmp_path / "state", 0) as ledger:
        nobody = made_of(read_report(ledger, "spring", show_pii=False), tmp_path / "page.html")
    browser.open(nobody.path, width=360)
    assert browser.complaints() == []
    assert browser.run("return document.getElementById('found').textContent") == "0 contacts"
