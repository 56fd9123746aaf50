"""What is known of one number, on a terminal."""

from collections.abc import Callable, Iterator, Mapping

from rich.table import Table
from rich.text import Text

from callagent_cli.campaign.plan import Planned
from callagent_cli.cli.tables import plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.text import one_line
from callagent_cli.eligibility.decision import Ruling
from callagent_cli.eligibility.verdicts import Held
from callagent_cli.ledger.outbox import OwedMessage
from callagent_cli.ledger.records import AttemptRow
from callagent_cli.reporting.dossier import Chapter, Dossier

_LONGEST = 2000
_GOOD, _BAD = "green", "bold red"
_Seen = Callable[[str], str]  # how a text may be shown


def render_dossier(dossier: Dossier, terminal: Terminal, *, show_pii: bool) -> None:
    def seen(text: str) -> str:
        return one_line(text if show_pii else mask_phones(text), _LONGEST)

    phone = dossier.phone if show_pii else dossier.masked
    n = len(dossier.chapters) if dossier.is_known else 0
    known = {0: "no campaign knows it", 1: "one campaign knows it"}.get(
        n, f"{n} campaigns know it"
    )
    terminal.show(Text(f"{phone}: {known}", style="bold"))
    for listed in dossier.suppressions:
        by = f", by {one_line(listed.by, 80)}" if listed.by else ""
        why = f" ({one_line(listed.reason, 200)})" if listed.reason else ""
        told = f"on the do-not-call list since {listed.added_at:%Y-%m-%d %H:%M} UTC: "
        terminal.show(Text(f"{told}{listed.where}{by}{why}", style=_BAD))
    for chapter in dossier.chapters:
        for part in _chapter(chapter, seen):
            terminal.show(part)


def _chapter(chapter: Chapter, seen: _Seen) -> Iterator[Text | Table]:
    yield Text("")
    row = chapter.row
    if row is None:
        yield Text("if a run began now with this number and nothing else known", style="bold")
    else:
        name = f", {one_line(row.contact.name, 60)}" if row.contact.name else ""
        title = f"{chapter.campaign}: contact {seen(row.contact.id)}{name}"
        yield Text(title, style="bold")
    facts = plain_table()
    if row is not None:
        facts.add_row("state", Text(seen(f"{row.state.replace('_', ' ')} {_because(row.reason)}")))
    facts.add_row("next run", Text(seen(_in_words(chapter.planned))))
    yield facts
    yield _rules(chapter.rulings, seen)
    for attempt in row.attempts if row else ():
        yield from _attempt(attempt, seen)
    if chapter.messages:
        yield _messages(chapter.messages)


def _because(reason: str) -> str:
    return f"({reason})" if reason else ""


def _in_words(planned: Planned) -> str:
    when = f", {planned.at:%Y-%m-%d %H:%M} UTC" if planned.at else ""
    if planned.at and planned.local:
        when += f" ({planned.local:%a %H:%M} there)"
    return f"{planned.fate}{when}{': ' if planned.reason else ''}{planned.reason}"


def _rules(rulings: tuple[Ruling, ...], seen: _Seen) -> Table:
    table = plain_table()
    for ruling in rulings:
        style = _GOOD if ruling.refusal is None else _BAD
        said = "lets it through" if ruling.refusal is None else _refusal(ruling)
        table.add_row(f"  {ruling.rule}", Text(seen(said), style=style))
        if facts := _facts(ruling.evidence):
            table.add_row("", Text(seen(facts), style="dim"))
    return table


def _refusal(ruling: Ruling) -> str:
    match ruling.refusal:
        case Held(until, reason) if until is not None:
            return f"not before {until:%Y-%m-%d %H:%M} UTC: {reason}"
        case None:
            return ""
        case refusal:
            return f"no: {refusal.reason}"


def _attempt(row: AttemptRow, seen: _Seen) -> Iterator[Text | Table]:
    began = f", {row.started_at:%Y-%m-%d %H:%M:%S} UTC" if row.started_at else ""
    yield Text(f"attempt {row.attempt_no}{began}: {_ending(row)}", style="bold")
    table = plain_table()
    told = {
        "attempt": row.attempt_id,
        "conversation": row.conversation_id or "",
        "error": " ".join(filter(None, (row.error, f"({row.error_category})")))
        if row.error
        else "",
        "looked up": f"{row.looked_up} times" if row.looked_up else "",
        "settled by": ", ".join(filter(None, (row.resolved_by, row.note))),
        "summary": row.summary,
        "collected": _facts(row.collected),
        "allowed by": _facts(row.evidence),
    }
    for name, value in told.items():
        if value:
            table.add_row(f"  {name}", Text(seen(value)))
    yield table


def _ending(row: AttemptRow) -> str:
    words = [(row.disposition or row.state).replace("_", " ")]
    if row.duration_s is not None:
        words.append(duration_text(row.duration_s))
    if row.cost_usd is not None:
        words.append(f"{row.cost_usd:.2f} USD")
    return ", ".join(words)


def _messages(messages: tuple[OwedMessage, ...]) -> Table:
    table = plain_table("message", "to", "state", "tries", "last error")
    for one in messages:
        what = one.key.partition(":")[2]
        error = one_line(one.last_error, 120)
        table.add_row(what, one.destination, one.state, str(one.tries), Text(error))
    return table


def _facts(evidence: Mapping[str, object]) -> str:
    """`zones America/New_York, margin 5 min`: what is empty is left out."""
    told = (_fact(name, value) for name, value in evidence.items() if value not in (None, "", {}))
    return ", ".join(told)


def _fact(name: str, value: object) -> str:
    if name.endswith("_s") and isinstance(value, int | float):
        name, value = name.removesuffix("_s"), duration_text(value)
    words = name if "/" in name else name.replace("_", " ")  # a time zone keeps its name
    return f"{words} {_plain(value)}"


def _plain(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return "; ".join(_fact(str(name), part) for name, part in value.items())
        case list() | tuple():
            return " ".join(_plain(part) for part in value)
        case _:
            return str(value)
