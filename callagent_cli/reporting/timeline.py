"""Every service's breaker over the campaign, with incidents and alerts: one line a service.

A state has a colour and a stroke of its own; an incident is a line below its service's; alerts
are dots in a row at the foot.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from callagent_cli.reporting.drawing import Drawing, Frame, chart_of, drawn
from callagent_cli.reporting.figures import Figures, SentAlert
from callagent_cli.reporting.pygal_alone import XY
from callagent_cli.reporting.scales import spoken, time_ticks

_ROW, _AXIS = 34, 40  # px
_BELOW = 0.28  # of a row: where an incident's line lies
_LEAST_SHARE = 1 / 400  # of the chart's width
_STATES = ("closed", "half_open", "open", "forced_open")
_Point = tuple[float | None, float | None]
_GAP: _Point = (None, None)


def services_of(figures: Figures) -> list[str]:
    """Those with something to show, in the alphabet's order."""
    shown = {span.service for span in figures.breakers} | {
        row.service for row in figures.incidents
    }
    return sorted(shown)


def timeline_chart(figures: Figures) -> Markup:
    begin, end = bounds(figures)
    services = services_of(figures)
    rows = {service: float(n) for n, service in enumerate(reversed(services), start=1)}
    lines = _lines(figures, rows, begin, end)

    def draw(frame: Frame) -> Drawing:
        ticks = time_ticks(begin, end, frame.ticks)
        chart = chart_of(
            XY,
            frame,
            allow_interruptions=True,
            xrange=(begin.timestamp(), end.timestamp()),
            range=(-0.5 if figures.alerts else 0.5, len(rows) + 0.5),
            x_labels=[{"value": at.timestamp(), "label": name} for at, name in ticks],
            y_labels=[{"value": at, "label": name} for name, at in rows.items()]
            + ([{"value": 0, "label": "alerts"}] if figures.alerts else []),
            formatter=lambda _: "",
            show_dots=False,
        )
        for name, points in lines.items():
            chart.add(name, points, show_dots=False)
        if figures.alerts:
            dots = _dots(figures.alerts, (end - begin) * _LEAST_SHARE)
            chart.add("alerts", dots, stroke=False, show_dots=True, dots_size=4)
        return chart, [*lines, "alert"]

    height = _ROW * (len(rows) + bool(figures.alerts)) + _AXIS
    return drawn("breakers over time", draw, height=height, is_full=True)


def _dots(alerts: Iterable[SentAlert], apart: timedelta) -> list[dict[str, object]]:
    """Not two in the same place: the first of them says what it was."""
    shown: list[SentAlert] = []
    for alert in alerts:
        if not shown or alert.at - shown[-1].at >= apart:
            shown.append(alert)
    return [_dot(alert) for alert in shown]


def _dot(alert: SentAlert) -> dict[str, object]:
    label = f"{alert.at:%Y-%m-%d %H:%M} {spoken(alert.kind)}: {alert.about}"
    return {"value": (alert.at.timestamp(), 0.0), "label": label}


def bounds(figures: Figures) -> tuple[datetime, datetime]:
    """From the first run's start to the last sign of life."""
    begin = figures.runs[0].started_at
    ends = [run.ended_at or figures.as_of or run.started_at for run in figures.runs]
    return begin, max(*ends, begin + timedelta(minutes=1))


def _lines(
    figures: Figures, rows: dict[str, float], begin: datetime, end: datetime
) -> dict[str, list[_Point]]:
    lines: dict[str, list[_Point]] = {}
    for state in _STATES:
        spans = [
            (rows[span.service], span.begins_at, span.ends_at)
            for span in figures.breakers
            if span.state == state
        ]
        lines[state] = _joined(spans, begin, end)
    outages = [
        (rows[row.service] - _BELOW, row.opened_at, row.closed_at or end)
        for row in figures.incidents
    ]
    lines["incident"] = _joined(outages, begin, end)
    return {name: points for name, points in lines.items() if points}


def _joined(
    spans: Iterable[tuple[float, datetime, datetime]], begin: datetime, end: datetime
) -> list[_Point]:
    """Points of lines with gaps between. The shortest can still be seen."""
    least_s = (end - begin).total_seconds() * _LEAST_SHARE
    points: list[_Point] = []
    for at, since, until in spans:
        left, right = max(since, begin).timestamp(), min(until, end).timestamp()
        points += [(left, at), (max(right, left + least_s), at), _GAP]
    return points[:-1]


def legend(figures: Figures) -> Sequence[str]:
    """The names in the chart that a reader needs explained."""
    states = [state for state in _STATES if any(s.state == state for s in figures.breakers)]
    incident = ["incident"] if figures.incidents else []
    return [*states, *incident, *(["alert"] if figures.alerts else [])]
