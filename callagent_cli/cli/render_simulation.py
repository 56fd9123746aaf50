"""A simulation on a terminal: the story with times, then a verdict for each promise."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.text import one_line
from callagent_cli.simulator.timeline import Moment
from callagent_cli.simulator.verdicts import Verdict

_QUIET = ("call.placed", "call.ended")
_SHOWN_CALLS = 3  # calls that went well are shown at the beginning and after a disturbance
_LOUD = {"breaker.opened": "red", "breaker.closed": "green", "alert.sent": "yellow"}


def render_simulation(
    story: Sequence[Moment],
    verdicts: Sequence[Verdict],
    runs: Sequence[RunSummary],
    terminal: Terminal,
) -> None:
    terminal.show(Text("what happened (seconds on the simulation's clock)", style="bold"))
    terminal.show(_timeline(story))
    for number, summary in enumerate(runs, 1):
        dispositions = ", ".join(
            f"{n} {name.replace('_', ' ')}" for name, n in sorted(summary.dispositions.items())
        )
        how = f" ({dispositions})" if dispositions else ""
        terminal.show(Text(f"run {number}: {summary.dialled} called{how}; {summary.reason}"))
    terminal.show(Text("promises", style="bold"), _verdicts(verdicts))


def _timeline(story: Sequence[Moment]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    calm = hidden = 0
    for moment in story:
        calm = calm + 1 if moment.event in _QUIET else 0
        if calm > 2 * _SHOWN_CALLS:
            hidden += 1
            continue
        if hidden:
            table.add_row("", Text(f"… {hidden} lines: calls placed and ended", style="dim"))
            hidden = 0
        style = _LOUD.get(moment.event, "dim" if moment.event in _QUIET else "")
        table.add_row(f"{moment.at_s:.1f}", Text(one_line(moment.text), style=style))
    if hidden:
        table.add_row("", Text(f"… {hidden} lines: calls placed and ended", style="dim"))
    return table


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for verdict in verdicts:
        mark = (
            Text("PASS", style="bold green") if verdict.holds else Text("FAIL", style="bold red")
        )
        table.add_row(mark, Text(verdict.promise), Text(verdict.evidence, style="dim"))
    return table
