"""`callagent plan` and `run --dry-run`: what a run would do. Places nothing."""

import csv
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.campaign.plan import Plan, Planned, planned
from callagent_cli.cli.contacts_source import refuse_unknown
from callagent_cli.cli.options import RunOptions
from callagent_cli.cli.progress import counted, progress
from callagent_cli.cli.render_plan import render_plan
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import RejectedRow, mask_phone
from callagent_cli.domain.text import formula_safe
from callagent_cli.eligibility.whereabouts import zones_of
from callagent_cli.intake.contacts import ContactsFile
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.new_file import refuse_existing, write_new

_COLUMNS = ("id", "phone", "verdict", "reason", "at_utc", "at_local", "zones", "line")


def show_plan(
    file: ContactsFile,
    wish: wiring.Wish,
    settings: Settings,
    terminal: Terminal,
    options: RunOptions,
) -> int:
    if options.plan_csv is not None:
        refuse_existing(options.plan_csv)
    with wiring.read_ledger_if_any(settings) or nullcontext() as ledger:
        plan = plan_of(file, wish, settings, ledger, terminal, options)
    if options.is_json:
        terminal.result(json.dumps(plan.to_json()))
    else:
        render_plan(plan, terminal)
    if options.plan_csv is not None:
        terminal.say(f"one row a contact: {options.plan_csv}")
    return 0


def plan_of(
    file: ContactsFile,
    wish: wiring.Wish,
    settings: Settings,
    ledger: Ledger | None,
    terminal: Terminal,
    options: RunOptions,
) -> Plan:
    """Reads the file once; writes the CSV on the way, where one is wished for."""
    outlook = wiring.outlook_of(settings, wish, ledger, retries_failed=options.is_retry_failed)
    plan = Plan(outlook)
    with progress(terminal, f"planning {wish.campaign}") as tell:
        rows = _added(planned(counted(file, tell), outlook, ledger), plan)
        if options.plan_csv is None:
            for _ in rows:
                pass
        else:
            _write(options.plan_csv, rows, show_pii=options.is_showing_pii)
    if wish.only:
        refuse_unknown(wish.campaign, _unmet(wish, plan, ledger))
    plan.warnings += wiring.plan_warnings(settings, file, ledger, plan)
    return plan


def _unmet(wish: wiring.Wish, plan: Plan, ledger: Ledger | None) -> Collection[str]:
    unmet = (wish.only or frozenset()) - plan.met
    return ledger.unknown(wish.campaign, unmet) if ledger is not None else unmet


def _added(rows: Iterable[Planned | RejectedRow], plan: Plan) -> Iterator[Planned | RejectedRow]:
    for row in rows:
        plan.add(row)
        yield row


def _write(path: Path, rows: Iterable[Planned | RejectedRow], *, show_pii: bool) -> None:
    def lines() -> Iterator[str]:
        yield _line(_COLUMNS)
        for row in rows:
            yield _line(_rejected(row) if isinstance(row, RejectedRow) else _cells(row, show_pii))

    write_new(path, lines())


def _cells(row: Planned, show_pii: bool) -> Iterable[str]:
    person, local = row.contact, row.local
    hidden = mask_phone(person.phone)
    return (
        person.id if show_pii or not person.id.startswith("+") else hidden,
        person.phone if show_pii else hidden,
        row.fate.value,
        row.reason,
        f"{row.at:%Y-%m-%dT%H:%M:%SZ}" if row.at else "",
        local.isoformat(timespec="seconds") if local else "",
        " ".join(zone.key for zone in zones_of(person)),
        str(person.line),
    )


def _rejected(row: RejectedRow) -> Iterable[str]:
    return ("", row.value, "rejected", f"{row.reason}; {row.fix}", "", "", "", str(row.line))


def _line(cells: Iterable[str]) -> str:
    text = StringIO()
    csv.writer(text).writerow(map(formula_safe, cells))
    return text.getvalue()
