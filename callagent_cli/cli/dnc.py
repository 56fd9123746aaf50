"""`callagent dnc`: the do-not-call list, one for all campaigns.

A change counts for real calls whatever the provider of the moment: it goes into the real ledger,
and into the sandbox's where the sandbox is in use.
"""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import RejectedRow, mask_phone
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.suppression import BY_PERSON, NumberList, Suppression
from callagent_cli.domain.text import formula_safe, one_line
from callagent_cli.intake.number_list import NumberFile, read_numbers
from callagent_cli.intake.phone import BadPhone, read_phone
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.new_file import write_new

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MOST_TOLD = 20


def add(phones: list[str], *, reason: str, by: str, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    numbers = [number_of(phone, settings) for phone in phones]  # all, or none
    said = {"reason": one_line(reason, 200), "by": one_line(by, 80)}
    with ExitStack() as stack:
        ledgers = [stack.enter_context(one) for one in wiring.list_ledgers(settings)]
        new = {
            phone
            for ledger in ledgers
            for phone in numbers
            if ledger.suppress(phone, source=BY_PERSON, **said)
        }
    for phone in dict.fromkeys(numbers):
        masked = mask_phone(phone)
        if phone in new:
            told = {"phone": masked, "source": BY_PERSON, **said}
            wiring.tell(settings, EventName.NUMBER_SUPPRESSED, **told)
        terminal.say(f"{masked} {'is now' if phone in new else 'was already'} on the list")
    return 0


def remove(phone: str, *, by: str, reason: str, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    if not by.strip() or not reason.strip():
        raise InputError("who takes it off, and why?", hint="--by NAME and --reason TEXT are kept")
    number = number_of(phone, settings)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(one) for one in wiring.list_ledgers(settings)]
        lifted = [one for ledger in ledgers for one in ledger.lift(number)]
    if not lifted:
        raise InputError(f"{mask_phone(number)} is not on the list", hint="`callagent dnc list`")
    wiring.tell(
        settings,
        EventName.NUMBER_RELEASED,
        phone=mask_phone(number),
        by=one_line(by, 80),
        reason=one_line(reason, 200),
    )
    where = ", ".join(sorted({one.where for one in lifted}))
    terminal.say(f"{mask_phone(number)} is off the list (it was there: {where})")
    return 0


def import_list(path: Path, *, name: str | None, as_of: str | None, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    list_name = _list_name(path, name)
    dated = _date_of(as_of)
    file = read_numbers(path, settings.campaign.default_region)
    digest = file.digest()
    if not any(isinstance(row, str) for row in file):
        raise InputError(f"{path} holds no phone number", hint="a number a line, or a CSV")
    kept, left_out = 0, _LeftOut()
    with ExitStack() as stack:
        for ledger in [stack.enter_context(one) for one in wiring.list_ledgers(settings)]:
            left_out = _LeftOut()
            numbers = left_out.taken_from(file)
            kept = ledger.import_list(list_name, numbers, as_of=dated, digest=digest)
    wiring.tell(
        settings,
        EventName.LIST_IMPORTED,
        list=list_name,
        as_of=dated.isoformat(),
        numbers=kept,
        rejected=left_out.count,
    )
    terminal.say(f"the list {list_name} of {dated} holds {_counted(kept)}")
    for row in left_out.first:
        terminal.warn(f"line {row.line}: {row.reason}; {row.fix}")
    if more := left_out.count - len(left_out.first):
        terminal.warn(f"… and {more:,} more lines that hold no number")
    return 0


def show_list(*, as_json: bool, csv_path: Path | None, show_pii: bool, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    ledger = wiring.read_ledger_if_any(settings)
    if ledger is None:
        terminal.say("nobody is on the list; add a number with `callagent dnc add PHONE`")
        if as_json:
            terminal.result(json.dumps({"numbers": {}, "lists": []}))
        return 0
    with ledger:
        if csv_path is not None:
            write_new(csv_path, _csv_lines(ledger, show_pii=show_pii))
            terminal.say(f"the list is in {csv_path}")
        if as_json:
            terminal.result(json.dumps(_as_json(ledger)))
        elif csv_path is None:
            _show(ledger, terminal, settings)
    return 0


def number_of(phone: str, settings: Settings) -> str:
    """E.164; InputError for what is no number."""
    number = read_phone(phone, settings.campaign.default_region)
    if isinstance(number, BadPhone):
        raise InputError(f"{one_line(phone, 40)!r}: {number.reason}", hint=number.fix)
    return number


@dataclass(slots=True)
class _LeftOut:
    """Lines of a file that hold no number: all are counted, the first are told."""

    count: int = 0
    first: list[RejectedRow] = field(default_factory=list)

    def taken_from(self, file: NumberFile) -> Iterator[str]:
        """The numbers of the file."""
        for row in file:
            if isinstance(row, str):
                yield row
                continue
            self.count += 1
            if len(self.first) < _MOST_TOLD:
                self.first.append(row)


def _list_name(path: Path, wished: str | None) -> str:
    name = wished or re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:64]
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{one_line(name, 40)!r} is no name of a list",
            hint="use --name with a-z, 0-9, - and _, beginning with a letter or digit",
        )
    return name


def _date_of(text: str | None) -> date:
    today = datetime.now(UTC).date()
    if text is None:
        return today
    try:
        dated = date.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--as-of {one_line(text, 40)!r} is no date", hint="write it as 2026-11-01"
        ) from None
    if dated > today:
        raise InputError(f"--as-of {dated} is in the future", hint=f"today is {today}")
    return dated


def _show(ledger: Ledger, terminal: Terminal, settings: Settings) -> None:
    counts = ledger.count_suppressed()
    if not counts:
        terminal.say("nobody is on the list; add a number with `callagent dnc add PHONE`")
        return
    lists = {one.name: one for one in ledger.number_lists()}
    table = plain_table("source", "numbers", "of", "imported")
    for source, n in sorted(counts.items()):
        one = lists.get(source.removeprefix("list:"))
        dated = (str(one.as_of), f"{one.imported_at:%Y-%m-%d}") if one else ("", "")
        words = Suppression(source, SystemClock().now()).where
        table.add_row(Text(words, style="bold"), str(n), *dated)
    terminal.show(table)
    for problem in wiring.list_problems_of(settings, ledger):
        terminal.warn(f"warning: {problem.what}")


def _as_json(ledger: Ledger) -> dict[str, object]:
    return {
        "numbers": ledger.count_suppressed(),
        "lists": [_list_as_json(one) for one in ledger.number_lists()],
    }


def _list_as_json(one: NumberList) -> dict[str, object]:
    return {
        "name": one.name,
        "as_of": one.as_of.isoformat(),
        "imported_at": one.imported_at.isoformat(timespec="seconds"),
        "numbers": one.numbers,
        "sha256": one.sha256,
    }


def _csv_lines(ledger: Ledger, *, show_pii: bool) -> Iterator[str]:
    yield _csv_line(["phone", "source", "added_at", "reason", "campaign", "by"])
    for one in ledger.suppressed():
        phone = one.phone if show_pii else mask_phone(one.phone)
        at = one.added_at.isoformat(timespec="seconds")
        yield _csv_line(
            [phone or "known by its hash only", one.source, at, one.reason, one.campaign, one.by]
        )


def _csv_line(cells: list[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(map(formula_safe, cells))
    return line.getvalue()


def _counted(n: int) -> str:
    return "1 number" if n == 1 else f"{n:,} numbers"
