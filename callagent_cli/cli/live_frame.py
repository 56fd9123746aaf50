"""One frame of the live view, drawn from a snapshot. Pure; no line is longer than the width.

What does not fit a narrow terminal gives way in this order: latency and health, the last error
as a column (it moves below the table), the later of trial and probe.
"""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from callagent_cli.domain.contact import FINAL_STATES, ContactState, mask_phones
from callagent_cli.domain.snapshot import BreakerState, RunSnapshot, ServiceSnapshot
from callagent_cli.domain.text import one_line

_MOST_IN_HAND = 4
_WIDE = 110  # columns from which there is room for everything
_BAR = 30
_NARROW_BAR = 16
_STATES = {
    BreakerState.CLOSED: ("● closed", "green"),
    BreakerState.HALF_OPEN: ("◐ half-open", "yellow"),
    BreakerState.OPEN: ("○ open", "bold red"),
    BreakerState.FORCED_OPEN: ("○ forced open", "bold red"),
}
_TOLD_STATES = (  # beside what the dispositions say
    ContactState.FAILED,
    ContactState.DEFERRED,
    ContactState.HELD,
    ContactState.SKIPPED,
    ContactState.NEEDS_REVIEW,
)


def draw(run: RunSnapshot, width: int) -> RenderableType:
    parts: list[RenderableType] = [_title(run), _progress(run, width)]
    parts += [
        _counts(counts) for counts in (run.dispositions, _standing(run)) if any(counts.values())
    ]
    parts.append(_services(run.services, width))
    if width < _WIDE:
        parts += [_last_error(service) for service in run.services if _is_in_trouble(service)]
    parts += [
        _line(f"▸ {mask_phones(one_line(held.label, 60))}  {one_line(held.doing, 60)}")
        for held in run.in_hand[:_MOST_IN_HAND]
    ]
    if (more := len(run.in_hand) - _MOST_IN_HAND) > 0:
        parts.append(_line(f"▸ and {more} more", "dim"))
    if run.waiting:
        parts.append(_line(f"waiting: {one_line(run.waiting)}", "yellow"))
    return Group(*parts)


def clock_text(seconds: float) -> str:
    """`1:05`, `2:01:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _title(run: RunSnapshot) -> Text:
    title = _line("callagent  ", "bold").append(one_line(run.campaign, 40), style="not bold")
    if run.is_sandbox:
        return title.append("  ").append(" SANDBOX: no real call is placed ", style="reverse cyan")
    return title.append(f"  {one_line(run.provider, 20)}", style="not bold dim")


def _progress(run: RunSnapshot, width: int) -> Table:
    done = sum(run.totals.get(state, 0) for state in FINAL_STATES)
    share = done / run.contacts if run.contacts else 0.0
    figures = _line(f"{done}/{run.contacts}  {share:.0%}")
    if run.rate_per_min is not None:
        figures.append(f"  {run.rate_per_min:.1f}/min")
    if run.eta_s:
        figures.append(f"  ETA {clock_text(run.eta_s)}")
    figures.append(f"  elapsed {clock_text(run.elapsed_s)}", style="dim")
    if run.cost_usd is not None:
        figures.append(f"  {run.cost_usd:.2f} USD", style="dim")
    bar = ProgressBar(
        total=max(run.contacts, 1),
        completed=done,
        width=_BAR if width >= _WIDE else _NARROW_BAR,
    )
    table = Table.grid(padding=(0, 1))
    table.add_row(bar, figures)
    return table


def _standing(run: RunSnapshot) -> Mapping[str, int]:
    return {state.value: run.totals.get(state, 0) for state in _TOLD_STATES}


def _counts(counts: Mapping[str, int]) -> Text:
    told = [f"{name.replace('_', ' ')} {n}" for name, n in counts.items() if n]
    return _line(" · ".join(told))


def _services(services: tuple[ServiceSnapshot, ...], width: int) -> Table:
    is_wide = width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("service", no_wrap=True, overflow="ellipsis", max_width=16)
    for heading in ("breaker", "failures", "tries", "retries", "next"):
        table.add_column(heading, no_wrap=True)
    if is_wide:
        table.add_column("latency", no_wrap=True)
        table.add_column("health", no_wrap=True)
        table.add_column("last error", no_wrap=True, overflow="ellipsis", ratio=1)
    for service in services:
        table.add_row(*_cells(service, is_wide=is_wide))
    return table


def _cells(service: ServiceSnapshot, *, is_wide: bool) -> list[Text]:
    word, style = _STATES[service.breaker_state]
    upcoming = _upcoming(service)
    cells = [
        Text(service.service),
        Text(word, style=style),
        Text(f"{service.consecutive_failures}/{service.failure_threshold}"),
        Text(str(service.tries)),
        Text(str(service.retries)),
        Text(", ".join(upcoming if is_wide else upcoming[:1]) or "–"),
    ]
    if is_wide:
        latency = service.latency_ms
        cells += [
            Text(f"{latency:.0f} ms" if latency is not None else "–"),
            Text(service.health or "–"),
            Text(mask_phones(one_line(service.last_error, 120)), style="dim"),
        ]
    return cells


def _upcoming(service: ServiceSnapshot) -> list[str]:
    """What may close the breaker, the earliest first."""
    if service.breaker_state is BreakerState.FORCED_OPEN:
        return ["a person"]
    times = [
        (seconds, f"{what} in {seconds:.0f} s")
        for seconds, what in (
            (service.next_trial_in_s, "trial"),
            (service.next_probe_in_s, "probe"),
        )
        if seconds is not None and service.breaker_state is not BreakerState.CLOSED
    ]
    return [told for _, told in sorted(times)]


def _is_in_trouble(service: ServiceSnapshot) -> bool:
    return bool(service.last_error) and (
        service.breaker_state is not BreakerState.CLOSED or service.consecutive_failures > 0
    )


def _last_error(service: ServiceSnapshot) -> Text:
    said = mask_phones(one_line(service.last_error, 200))
    is_named = said.startswith(service.service)  # some messages begin with the service
    return _line(said if is_named else f"{service.service}: {said}", "red")
