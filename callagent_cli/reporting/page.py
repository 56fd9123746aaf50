"""The report as one page: no network, no other file, nothing but its own style and script.

Called by: `callagent report --html`. Every text from outside is escaped by the template, or is
data that the script writes as text.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import islice

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.text import one_line
from callagent_cli.reporting import charts, timeline
from callagent_cli.reporting.contact_data import contact_data_pieces
from callagent_cli.reporting.figures import Figures, Json, LatencyClass
from callagent_cli.reporting.report import Report
from callagent_cli.reporting.scales import spoken

_MOST_ROWS = 100  # of failures, incidents, rejected rows; `--json` has them all
_CHARTS = ("states", "dispositions", "attempts", "time", "hours", "cost", "timeline", "retries")


def html_pieces(report: Report, *, is_sandbox: bool) -> Iterator[str]:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(_FILTERS)
    style, script = _part("page.css"), _part("page.js")
    figures = report.figures.to_json()
    return environment.from_string(_part("page.html")).generate(
        figures=figures,
        at=lambda path: value_at(figures, path),
        charts=_charts(report.figures),
        latencies=_latencies(report.figures),
        legend=timeline.legend(report.figures),
        rejected=islice(report.rejected(), _MOST_ROWS),
        most_rows=_MOST_ROWS,
        contact_data=map(Markup, contact_data_pieces(report)),
        is_sandbox=is_sandbox,
        is_masked=not report.show_pii,
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704
    )


def value_at(figures: Mapping[str, Json], path: str) -> Json:
    """The figure at a path such as `by_attempt.0.calls`; 0 for a count that did not occur."""
    found: Json = dict(figures)
    for name in path.split("."):
        match found:
            case dict():
                found = found.get(name, 0)
            case list():
                found = found[int(name)]
    return found


def _charts(figures: Figures) -> dict[str, Markup]:
    """By name; empty where there is nothing to draw."""
    drawn = dict.fromkeys(_CHARTS, Markup())
    if figures.totals:
        drawn["states"] = charts.states_chart(figures)
    if figures.dispositions:
        drawn["dispositions"] = charts.dispositions_chart(figures)
        drawn["attempts"] = charts.attempts_chart(figures.by_attempt)
    if figures.by_time:
        drawn["time"] = charts.time_chart(figures.by_time)
    if any(row.hour is not None for row in figures.by_hour):
        drawn["hours"] = charts.hours_chart(figures.by_hour)
    if any(figures.cost.by_disposition.values()):
        drawn["cost"] = charts.cost_chart(figures)
    if figures.runs and timeline.services_of(figures):
        drawn["timeline"] = timeline.timeline_chart(figures)
    if figures.services:
        drawn["retries"] = charts.retries_chart(figures.services)
    return drawn


def _latencies(figures: Figures) -> list[tuple[str, Markup]]:
    """A chart for each service, the slowest first, as in the table."""
    of_service: dict[str, list[LatencyClass]] = {row.service: [] for row in figures.services}
    for each in figures.latency:
        of_service.setdefault(each.service, []).append(each)
    return [
        (service, charts.latency_chart(service, classes))
        for service, classes in of_service.items()
        if classes
    ]


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy: this style and this script, and nothing from anywhere."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _part(name: str) -> str:
    return (files(__package__) / "page_parts" / name).read_text(encoding="utf-8")


def _count(n: int) -> str:
    return f"{n:,}"


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"


def _mills(amount: float) -> str:
    return f"{amount:,.3f}"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _ms(value: float) -> str:
    return duration_text(value / 1000)


def _time(stored: str) -> str:
    """`2026-11-24 18:05` of an RFC 3339 time."""
    return stored[:16].replace("T", " ")


_FILTERS = {
    "count": _count,
    "usd": _usd,
    "mills": _mills,
    "percent": _percent,
    "ms": _ms,
    "time": _time,
    "spoken": spoken,
    "one_line": one_line,
}
