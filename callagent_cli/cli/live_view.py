"""The live view of a run: services with their breakers, progress, the contacts in hand.

Drawn four times a second from snapshots, on a thread of its own, only on a terminal. Invariant:
it reads and never writes; whatever goes wrong in drawing stays in drawing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.snapshot import BreakerState, RunSnapshot, ServiceSnapshot
from callagent_cli.domain.text import one_line

_HERTZ = 4
_MOST_IN_HAND = 4
_STYLE = {
    BreakerState.CLOSED: "green",
    BreakerState.HALF_OPEN: "yellow",
    BreakerState.OPEN: "bold red",
    BreakerState.FORCED_OPEN: "bold red",
}
_WIDE = 110  # columns from which the less urgent figures have room


def live_view(
    terminal: Terminal, snapshot: Callable[[], RunSnapshot], *, is_off: bool
) -> AbstractContextManager[object]:
    """The view as a context, or nothing where it would not be seen."""
    if is_off or not terminal.can_live:
        return nullcontext()
    return Live(
        console=terminal.err,
        get_renderable=lambda: _drawn(terminal, snapshot),
        refresh_per_second=_HERTZ,
        redirect_stdout=False,
        redirect_stderr=False,
        transient=False,
    )


def _drawn(terminal: Terminal, snapshot: Callable[[], RunSnapshot]) -> RenderableType:
    try:
        return draw(snapshot(), terminal.err.width)
    except Exception as error:  # noqa: BLE001 - a drawing must not stop a campaign
        return Text(f"the live view failed: {type(error).__name__}")


def draw(run: RunSnapshot, width: int) -> RenderableType:
    """One frame; no line is longer than `width` columns."""
    parts: list[RenderableType] = [
        _title(run),
        _services(run.services, width),
        _progress(run, width),
    ]
    if run.dispositions:
        parts.append(_dispositions(run))
    for held in run.in_hand[:_MOST_IN_HAND]:
        line = Text(f"  ▸ {one_line(held.label, 60)}  {one_line(held.doing, 60)}", no_wrap=True)
        line.truncate(width, overflow="ellipsis")
        parts.append(line)
    if (more := len(run.in_hand) - _MOST_IN_HAND) > 0:
        parts.append(Text(f"  ▸ and {more} more", style="dim"))
    if run.waiting:
        waiting = Text(f"  ◷ {one_line(run.waiting)}", style="yellow", no_wrap=True)
        waiting.truncate(width, overflow="ellipsis")
        parts.append(waiting)
    return Group(*parts)


def _title(run: RunSnapshot) -> Text:
    title = Text(one_line(run.campaign, 40), style="bold", no_wrap=True)
    title.append(f"  {run.provider}", style="dim")
    if run.is_sandbox:
        title.append("  no real call is placed", style="bold cyan")
    return title


def _services(services: tuple[ServiceSnapshot, ...], width: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    is_wide = width >= _WIDE
    headings = ["service", "breaker", "failures", "tries", "retries", "next"]
    headings += ["latency", "health"] if is_wide else []
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    table.add_column("last error", no_wrap=True, overflow="ellipsis", ratio=1)
    for service in services:
        state = service.breaker_state
        cells: list[RenderableType] = [
            Text(service.service),
            Text(state.value.replace("_", "-"), style=_STYLE[state]),
            Text(f"{service.consecutive_failures}/{service.failure_threshold}"),
            Text(str(service.tries)),
            Text(str(service.retries)),
            Text(_next(service)),
        ]
        if is_wide:
            latency = service.latency_ms
            cells += [
                Text(f"{latency:.0f} ms" if latency is not None else "–"),
                Text(service.health or "–"),
            ]
        table.add_row(*cells, Text(one_line(service.last_error, 120), style="dim"))
    return table


def _next(service: ServiceSnapshot) -> str:
    if service.breaker_state is BreakerState.CLOSED:
        return "–"
    if service.breaker_state is BreakerState.FORCED_OPEN:
        return "a person"
    parts = []
    if service.next_trial_in_s is not None:
        parts.append(f"trial {service.next_trial_in_s:.0f} s")
    if service.next_probe_in_s is not None:
        parts.append(f"probe {service.next_probe_in_s:.0f} s")
    return ", ".join(parts) or "–"


def _progress(run: RunSnapshot, width: int) -> Table:
    waiting = sum(
        run.totals.get(state, 0) for state in ("pending", "in_progress", "deferred", "held")
    )
    done = run.contacts - waiting
    table = Table.grid(padding=(0, 1))
    figures = Text(f"{done}/{run.contacts}", no_wrap=True)
    if run.rate_per_min is not None:
        figures.append(f"  {run.rate_per_min:.1f}/min")
    if run.eta_s is not None and run.eta_s > 0:
        figures.append(f"  {_span(run.eta_s)} left")
    figures.append(f"  {_span(run.elapsed_s)}", style="dim")
    if run.cost_usd is not None and width >= _WIDE:
        figures.append(f"  {run.cost_usd:.2f} USD", style="dim")
    bar = ProgressBar(
        total=max(run.contacts, 1), completed=done, width=max(10, min(40, width - 45))
    )
    table.add_row(bar, figures)
    return table


def _dispositions(run: RunSnapshot) -> Text:
    text = Text("  ", no_wrap=True)
    for name, n in sorted(run.dispositions.items(), key=lambda item: -item[1]):
        text.append(f"{n} ", style="bold").append(f"{name.replace('_', ' ')}  ")
    return text


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
