"""Which charts the page has, and what each shows."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from callagent_cli.domain.call import Disposition
from callagent_cli.reporting.drawing import Drawing, Frame, chart_of, drawn
from callagent_cli.reporting.figures import (
    AttemptReach,
    Figures,
    HourReach,
    LatencyClass,
    Period,
    Reach,
    ServiceFigures,
)
from callagent_cli.reporting.pygal_alone import Graph, HorizontalStackedBar, StackedBar
from callagent_cli.reporting.scales import count_ticks, spoken, time_form

_BAR_ROW = 30  # px
_ANSWERED_OR_NOT = ("answered", "other")
_NOBODY = Reach(0, 0, 0.0)


def counts_chart(what: str, counts: Mapping[str, float], form: str = "{:,}") -> Markup:
    """A bar for each name that occurs, the largest first, its number beside it."""
    names = sorted(filter(counts.get, counts), key=lambda name: (counts[name], name))

    def draw(frame: Frame) -> Drawing:
        chart = _rows(
            frame,
            [spoken(name) for name in names],
            max(counts.values()),
            print_values=True,
            formatter=lambda n: form.format(n) if n else "",
        )
        for at, name in enumerate(names):
            chart.add(name, [counts[name] if at == k else None for k in range(len(names))])
        return chart, names

    return drawn(what, draw, height=_BAR_ROW * len(names) + 12)


def states_chart(figures: Figures) -> Markup:
    return counts_chart("contacts by state", figures.totals)


def dispositions_chart(figures: Figures) -> Markup:
    return counts_chart("calls by how they ended", figures.dispositions)


def cost_chart(figures: Figures) -> Markup:
    """USD by how the calls ended that it was paid for."""
    return counts_chart("cost by how calls ended", figures.cost.by_disposition, "{:,.2f}")


def attempts_chart(rows: Sequence[AttemptReach]) -> Markup:
    """Calls of each attempt, of which answered."""
    upwards = rows[::-1]

    def draw(frame: Frame) -> Drawing:
        names = [f"attempt {row.attempt_no}" for row in upwards]
        chart = _rows(frame, names, max(row.calls for row in rows))
        chart.add("answered", [row.answered or None for row in upwards])
        chart.add("not answered", [row.calls - row.answered or None for row in upwards])
        return chart, _ANSWERED_OR_NOT

    return drawn("reach by attempt", draw, height=_BAR_ROW * len(rows) + 12)


def hours_chart(rows: Sequence[HourReach]) -> Markup:
    """Calls in each hour of the contact's own day, of which answered."""
    known = {row.hour: row for row in rows if row.hour is not None}
    hours = range(min(8, *known), max(20, *known) + 1)

    def draw(frame: Frame) -> Drawing:
        chart = chart_of(
            StackedBar,
            frame,
            x_labels=[f"{hour:02d}" for hour in hours],
            y_labels=count_ticks(max(row.calls for row in known.values())),
        )
        found = [known.get(hour, _NOBODY) for hour in hours]
        chart.add("answered", [row.answered or None for row in found])
        chart.add("not answered", [row.calls - row.answered or None for row in found])
        return chart, _ANSWERED_OR_NOT

    return drawn("reach by the hour of the contact's own day", draw, height=220)


def time_chart(periods: Sequence[Period]) -> Markup:
    """Calls by when they began and how they ended."""
    found = [how.value for how in Disposition if any(how in p.dispositions for p in periods)]

    def draw(frame: Frame) -> Drawing:
        names = _period_names(periods)
        every = -(-len(periods) // frame.ticks)
        chart = chart_of(
            StackedBar,
            frame,
            spacing=1,
            x_labels=[name if n % every == 0 else "" for n, name in enumerate(names)],
            y_labels=count_ticks(max(period.calls for period in periods)),
        )
        for how in found:
            chart.add(
                how,
                [
                    _bar(period.dispositions.get(how, 0), f"{name}: {spoken(how)}")
                    for name, period in zip(names, periods, strict=True)
                ],
            )
        return chart, found

    return drawn("calls over time", draw, height=240, is_full=True)


def latency_chart(service: str, classes: Sequence[LatencyClass]) -> Markup:
    """A service's requests by how long they took."""

    def draw(frame: Frame) -> Drawing:
        every = -(-len(classes) // (frame.ticks + 2))
        names = [_up_to(each.up_to_ms) for each in classes]
        chart = chart_of(
            StackedBar,
            frame,
            spacing=2,
            x_labels=[name if n % every == 0 else "" for n, name in enumerate(names)],
            y_labels=count_ticks(max(each.requests for each in classes), 3),
        )
        bars = [
            _bar(each.requests, f"within {name}")
            for each, name in zip(classes, names, strict=True)
        ]
        chart.add("requests", bars)
        return chart, ["requests"]

    return drawn(f"latency of {service}", draw, height=150)


def retries_chart(services: Sequence[ServiceFigures]) -> Markup:
    """Requests to each service: first tries, and those that repeat one."""
    upwards = sorted(services, key=lambda row: row.requests)

    def draw(frame: Frame) -> Drawing:
        names = [row.service for row in upwards]
        chart = _rows(frame, names, max(row.requests for row in upwards))
        chart.add("first tries", [row.requests - row.retries or None for row in upwards])
        chart.add("retries", [row.retries or None for row in upwards])
        return chart, ("requests", "retries")

    return drawn("requests and retries", draw, height=_BAR_ROW * len(upwards) + 12)


def _up_to(bound_ms: float | None) -> str:
    if bound_ms is None:
        return "more"
    return f"{bound_ms:g} ms" if bound_ms < 1000 else f"{bound_ms / 1000:g} s"


def _period_names(periods: Sequence[Period]) -> list[str]:
    first, last = periods[0], periods[-1]
    form = time_form(first.begins_at, last.ends_at, first.ends_at - first.begins_at)
    return [f"{period.begins_at:{form}}" for period in periods]


def _rows(frame: Frame, names: Sequence[str], top: float, **settings: object) -> Graph:
    """An empty chart of bars that lie."""
    return chart_of(
        HorizontalStackedBar,
        frame,
        print_values_position="top",
        show_x_labels=False,
        spacing=6,
        range=(0, top * 1.15),  # room for a number
        x_labels=names,
        **settings,
    )


def _bar(n: float, label: str) -> dict[str, object] | None:
    return {"value": n, "label": label} if n else None
