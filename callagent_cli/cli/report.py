"""`callagent report`: a campaign's results, for people, programs and spreadsheets. Reads only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.follow import following
from callagent_cli.cli.options import Common
from callagent_cli.cli.render_report import render_report
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.errors import InputError
from callagent_cli.reporting.new_file import refuse_existing, write_new
from callagent_cli.reporting.report import Report, read_report
from callagent_cli.reporting.texts import csv_pieces, json_pieces

_STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One form of the report, and where it goes."""

    option: str
    target: Path
    pieces: Callable[[Report], Iterable[str]]


def report(
    campaign: str,
    *,
    as_json: bool,
    csv_path: Path | None,
    html_path: Path | None,
    show_pii: bool,
    common: Common,
) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    is_sandbox = wiring.is_sandbox(settings)
    wanted = _wanted(as_json, csv_path, html_path, is_sandbox=is_sandbox)
    _check(wanted)
    with wiring.read_ledger(settings) as ledger:
        wiring.known_campaign(ledger, campaign)
        is_streamed = any(form.target == _STDOUT for form in wanted)
        with following(terminal, is_result_streamed=is_streamed) as follow:
            found = read_report(ledger, campaign, show_pii=show_pii, follow=follow)
            for form in wanted:
                _write(form, found, terminal)
        if not wanted:
            render_report(found, terminal, is_sandbox=is_sandbox)
    return 0


def _wanted(
    as_json: bool, csv_path: Path | None, html_path: Path | None, *, is_sandbox: bool
) -> list[_Wanted]:
    def page(report: Report) -> Iterable[str]:
        from callagent_cli.reporting.page import html_pieces

        return html_pieces(report, is_sandbox=is_sandbox)

    forms = [
        (csv_path, "--csv", csv_pieces),
        (html_path, "--html", page),
        (_STDOUT if as_json else None, "--json", json_pieces),
    ]
    return [_Wanted(option, path, pieces) for path, option, pieces in forms if path is not None]


def _check(wanted: list[_Wanted]) -> None:
    """Before the work: a slip should cost nobody a minute."""
    streamed = [form.option for form in wanted if form.target == _STDOUT]
    if len(streamed) > 1:
        raise InputError(
            f"{' and '.join(streamed)} cannot both go to stdout",
            hint="give all but one of them a file: `--csv FILE`, `--html FILE`",
        )
    files = [form.target for form in wanted if form.target != _STDOUT]
    if len(set(files)) < len(files):
        raise InputError(f"{files[0]} is named twice", hint="give each its own file")
    for path in files:
        refuse_existing(path)


def _write(form: _Wanted, report: Report, terminal: Terminal) -> None:
    if form.target == _STDOUT:
        terminal.stream(form.pieces(report))
        return
    write_new(form.target, form.pieces(report))
    terminal.say(f"{report.figures.contact_count} contacts written to {form.target}")
