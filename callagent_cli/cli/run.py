"""`callagent run`: read → wire → ask → run → tell. Decides nothing about contacts."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from callagent_cli import wiring
from callagent_cli.campaign.session import Session
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.contacts_source import (
    Given,
    open_contacts,
    refuse_unasked,
    refuse_unknown,
    rejects_path,
    require_name,
)
from callagent_cli.cli.failures import status_of
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.live_file import LiveFile
from callagent_cli.cli.live_view import as_stopping, live_view
from callagent_cli.cli.options import RunOptions
from callagent_cli.cli.plan import plan_of, show_plan
from callagent_cli.cli.progress import counted, progress
from callagent_cli.cli.render import TerminalChannel, line_for
from callagent_cli.cli.render_plan import render_plan
from callagent_cli.cli.render_summary import render_summary
from callagent_cli.cli.run_record import RunRecord
from callagent_cli.cli.terminal import OutputLost, Terminal
from callagent_cli.cli.worker import require_shared
from callagent_cli.config.durations import read_duration
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.events.emitter import Emitter
from callagent_cli.intake.contacts import ContactsFile
from callagent_cli.intake.rejects import write_rejects
from callagent_cli.intake.source import Source, source_of
from callagent_cli.ledger.lease import Lease
from callagent_cli.ledger.store import Ledger

Number = TypeVar("Number", int, float)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def campaign_name(source: Source, wished: str | None) -> str:
    """The flag, else the file's stem made into a name."""
    name = wished or re.sub(r"[^a-z0-9_-]+", "-", source.stem.lower()).strip("-_")[:64]
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no campaign name",
            hint="use --campaign with a-z, 0-9, - and _, beginning with a letter or digit",
        )
    return name


def run(contacts: str, options: RunOptions) -> int:
    """Work through a campaign; returns the exit status of INTERFACE section 2."""
    terminal = Terminal.of(options.common)
    settings = wiring.settings_of(options.common.config)
    if options.is_dry_run:
        given, wish = _opened(source_of(contacts), options, settings, terminal)
        return show_plan(given.file, wish, settings, terminal, options)
    with RunRecord(settings, terminal) as record:
        return _run(contacts, options, settings, terminal, record)


def _opened(
    source: Source, options: RunOptions, settings: Settings, terminal: Terminal
) -> tuple[Given, wiring.Wish]:
    require_name(source, options.campaign)
    given = Given(source, open_contacts(source, settings, terminal))
    return given, _wish(source, options, settings)


def _run(
    contacts: str,
    options: RunOptions,
    settings: Settings,
    terminal: Terminal,
    record: RunRecord,
) -> int:
    source = source_of(contacts)
    with suppress(InputError):  # told below, after what is wrong with the contacts
        record.campaign = campaign_name(source, options.campaign)
    given, wish = _opened(source, options, settings, terminal)
    record.run_id = wish.run_id
    wiring.check_ready(settings)
    if options.is_no_work:
        require_shared(settings, "--no-work")
    if wiring.is_shared(settings):
        return _order(given, wish, options, settings, terminal, record)
    clock = wiring.clock_of(settings)
    with ExitStack() as stack:
        ledger = stack.enter_context(wiring.open_ledger(settings, clock))
        lease = stack.enter_context(ledger.hold(wish.campaign, wish.run_id))
        _heed_lists(settings, ledger, terminal)
        if not _is_agreed(given, wish, settings, terminal, options, ledger):
            terminal.say("nothing was dialled")
            record.drop()
            return 0
        record.begin()
        summary = _work(settings, wish, clock, ledger, given, options, terminal, lease)
        lease.finish(summary.exit_status)
    record.summary = summary
    _tell(summary, terminal, as_json=options.is_json)
    return summary.exit_status


def _order(
    given: Given,
    wish: wiring.Wish,
    options: RunOptions,
    settings: Settings,
    terminal: Terminal,
    record: RunRecord,
) -> int:
    """Where others may be at the same ledger."""
    from callagent_cli.cli.run_shared import Ordering, run_shared

    clock = wiring.clock_of(settings)
    with wiring.open_ledger(settings, clock) as ledger:
        _heed_lists(settings, ledger, terminal)
        if not _is_agreed(given, wish, settings, terminal, options, ledger):
            terminal.say("nothing was dialled")
            record.drop()
            return 0
        record.begin()
        _say_what_this_is(terminal, settings, given.file)

        def rejects(n: int) -> str:
            path = rejects_path(given.source, wish.campaign, settings)
            return str(_write_rejects(ledger, wish.campaign, path, n, terminal) or "")

        summary = run_shared(
            Ordering(settings, wish, given, options, terminal, ledger, clock, rejects)
        )
    record.summary = summary
    _tell(summary, terminal, as_json=options.is_json)
    return summary.exit_status


def _heed_lists(settings: Settings, ledger: Ledger, terminal: Terminal) -> None:
    """Do-not-call lists that are too old, or missing: said, or nobody is called."""
    problems = wiring.list_problems_of(settings, ledger)
    if blocking := [problem.what for problem in problems if problem.is_blocking]:
        raise InputError(
            f"{'; '.join(blocking)}: nobody is called",
            hint="bring it up to date with `callagent dnc import FILE --name NAME`",
        )
    for problem in problems:
        terminal.warn(f"warning: {problem.what}")


def _tell(summary: RunSummary, terminal: Terminal, *, as_json: bool) -> None:
    try:
        if as_json:
            terminal.result(json.dumps(summary.to_json()))
        else:
            render_summary(summary, terminal)
    except OutputLost as lost:  # the calls are made: how they went is still the status
        terminal.warn(f"warning: {lost.message}; `callagent report` has the results")


def _wish(source: Source, options: RunOptions, settings: Settings) -> wiring.Wish:
    limits = wiring.limits_of(settings)
    tightened = replace(
        limits,
        max_dials=_least(options.limit, limits.max_dials),
        pilot=options.pilot,
        max_cost_usd=_least(options.max_cost, limits.max_cost_usd),
        max_duration_s=duration_of(options.max_duration),
    )
    return wiring.Wish(
        campaign=campaign_name(source, options.campaign),
        run_id=f"run_{secrets.token_hex(6)}",
        limits=tightened,
        concurrency=options.concurrency or settings.campaign.concurrency,
        only=frozenset(options.contact_ids) or None,
    )


def duration_of(text: str | None, flag: str = "--max-duration") -> float | None:
    """Seconds of a flag's value, as `45m`."""
    if text is None:
        return None
    try:
        return read_duration(text)
    except ValueError as error:
        raise InputError(f"{flag} {text!r} {error}") from None


def _least(flag: Number | None, config: Number | None) -> Number | None:
    """A flag tightens what the config allows and never loosens it."""
    given = [limit for limit in (flag, config) if limit is not None]
    return min(given) if given else None


def _is_agreed(
    given: Given,
    wish: wiring.Wish,
    settings: Settings,
    terminal: Terminal,
    options: RunOptions,
    ledger: Ledger,
) -> bool:
    """Before real calls a person at a terminal sees the plan's totals and says yes."""
    if wiring.is_sandbox(settings) or options.is_yes:
        return True
    refuse_unasked(given.source, terminal)
    if not terminal.can_ask:
        return True
    render_plan(plan_of(given.file, wish, settings, ledger, terminal, options), terminal)
    return terminal.ask("Place these calls? [y/N] ")


def _work(
    settings: Settings,
    wish: wiring.Wish,
    clock: Clock,
    ledger: Ledger,
    given: Given,
    options: RunOptions,
    terminal: Terminal,
    lease: Lease,
) -> RunSummary:
    log = wiring.log_of(settings)
    emitter = Emitter(clock, run_id=wish.run_id, campaign=wish.campaign)
    emitter.listen(log)
    outside = wiring.outside(settings, clock)
    session = wiring.build_session(
        settings,
        wish,
        outside=outside,
        ledger=ledger,
        emit=emitter,
        channels=(TerminalChannel(terminal.say),),
    )
    for listener in session.listeners:
        emitter.listen(listener)
    _say_what_this_is(terminal, settings, given.file)
    snapshot, hidden = session.progress.snapshot, settings.hidden()
    live = LiveFile(settings.state_dir, wish.run_id, snapshot, status_of=status_of, hidden=hidden)
    with live, _telling_how_it_ends(session):
        session.begin()
        with progress(terminal, f"taking in {given.source.name}") as tell:
            counts = session.take_in(counted(given.file, tell), source=given.source.name)
        refuse_unknown(wish.campaign, ledger.unknown(wish.campaign, wish.only or ()))
        if options.is_retry_failed:
            ledger.requeue(wish.campaign, only_transient=False)
        session.settle_left_overs()
        n_rejected = counts.rejected + counts.duplicates
        path = rejects_path(given.source, wish.campaign, settings)
        rejected_path = _write_rejects(ledger, wish.campaign, path, n_rejected, terminal)
        emitter.listen(lambda event: terminal.detail(line_for(event)))
        with Interrupts(session.stop) as interrupts:
            if session.preflight(wiring.told_to_agent(settings, given.file.columns)):
                _show_findings(terminal, session)
                is_off = options.is_no_live or options.is_json

                def seen() -> RunSnapshot:
                    run = session.progress.snapshot()
                    return as_stopping(run) if interrupts.caught else run

                with live_view(terminal, seen, is_off=is_off):
                    session.work(lease.heartbeat)
            summary = session.close(interrupts.exit_status)
            live.end(summary.exit_status, summary.reason)
    notes = (*summary.notes, log.problem) if log.problem else summary.notes
    return replace(
        summary,
        log_path=str(settings.logging.path),
        rejected=n_rejected,
        rejected_path=str(rejected_path or ""),
        notes=notes,
    )


@contextmanager
def _telling_how_it_ends(session: Session) -> Iterator[None]:
    """A run that comes to no summary has an exit status, too."""
    try:
        yield
    except BaseException as error:
        session.telemetry.end(status_of(error))
        raise


def _write_rejects(
    ledger: Ledger, campaign: str, path: Path, n: int, terminal: Terminal
) -> Path | None:
    """The ledger has the rows too, should the folder not be writable."""
    try:
        if n:
            write_rejects(path, ledger.rejected_rows(campaign))
        else:
            path.unlink(missing_ok=True)  # of an earlier file that has been mended
    except OSError as error:
        terminal.warn(f"warning: {path} cannot be written: {error.strerror}")
        return None
    return path if n else None


def _say_what_this_is(terminal: Terminal, settings: Settings, file: ContactsFile) -> None:
    if wiring.is_sandbox(settings):
        terminal.say("sandbox: no real call is placed; set `provider: elevenlabs` for real ones")
    for warning in wiring.warnings_of(settings):
        terminal.say(f"warning: {warning}")
    terminal.detail(f"contacts: {file.name}")


def _show_findings(terminal: Terminal, session: Session) -> None:
    for finding in session.findings:
        terminal.say(f"warning: {finding.what}: {finding.fix}")
