"""`callagent status --watch`: a run that another process works through, seen as it sees itself."""

import json
import re
import sqlite3
from contextlib import suppress
from dataclasses import replace

from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.live_file import FRESH_S, LiveRun, read_live
from callagent_cli.cli.live_frame import clock_text
from callagent_cli.cli.live_view import live_view
from callagent_cli.cli.reference.meanings import EXIT_STATUSES
from callagent_cli.cli.standing import Standing
from callagent_cli.cli.tables import counts_text
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.finding import Place
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import FINAL_STATES, mask_phones
from callagent_cli.domain.snapshot import BreakerState, RunSnapshot
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.files import files_of
from callagent_cli.ledger.lock import is_held
from callagent_cli.ledger.overview import RunEnd, RunOn
from callagent_cli.ledger.peek import peek_end, peek_overview

_LOOK_EVERY_S = 0.5
_KILLED = "it ended without a word, as when it is killed"
_STILL = "no news since {}: the run is stopped, or its disk is full"
_NUMBERS = re.compile(r"\d+")


def watch(told: Standing, place: Place, terminal: Terminal, *, as_json: bool) -> int | None:
    """Follow the run that is on, until it ends or a signal comes: that one's exit status. None
    where no run is on."""
    on = told.run
    if on is None or not any(row.campaign == on.campaign for row in told.campaigns):
        return None
    followed = _Followed(place, on, told)
    clock = SystemClock()
    over = clock.signal()
    shows_lines = as_json or not terminal.can_live
    with (
        Interrupts(over.set) as interrupts,
        live_view(terminal, followed.seen, is_off=shows_lines),
    ):
        while followed.look() and not over.is_set():
            if shows_lines:
                _tell(followed, terminal, as_json=as_json)
            over.wait(_LOOK_EVERY_S)
    if interrupts.exit_status is not None and followed.live.exit_status is None:
        return interrupts.exit_status
    _tell_end(followed, terminal, as_json=as_json)
    return ExitStatus.DONE


class _Followed:
    """live: the latest news."""

    def __init__(self, place: Place, on: RunOn, told: Standing) -> None:
        self._place, self._on = place, on
        _, _, self._lock = files_of(place.state_dir, place.ledger_name)
        row = next(row for row in told.campaigns if row.campaign == on.campaign)
        known = RunSnapshot(
            campaign=row.campaign,
            provider=place.provider,
            is_sandbox=place.is_sandbox,
            contacts=sum(row.totals.values()),
            totals=row.totals,
            dispositions=row.dispositions,
            cost_usd=row.cost_usd,
        )
        self.live = LiveRun(on.run_id, on.pid, on.started_at, known)
        self.told: object = None  # what the last line was about

    def look(self) -> bool:
        """Whether it is still on."""
        is_on = self._is_on()  # asked first: what it leaves is there when it has ended
        news = read_live(self._place.state_dir)
        if news is not None and news.run_id == self._on.run_id:
            self.live = news
        if self.live.exit_status is None:
            end = self._end()
            is_on = is_on and end is None
            if end is not None:
                self.live = replace(self.live, exit_status=end.exit_status)
        return is_on and self.live.exit_status is None

    def seen(self) -> RunSnapshot:
        still_s = (SystemClock().now() - self.live.written_at).total_seconds()
        if self.live.exit_status is None and still_s > FRESH_S:
            since = f"{self.live.written_at.astimezone():%H:%M:%S}"
            return replace(self.live.run, waiting=_STILL.format(since))
        return self.live.run

    def _is_on(self) -> bool:
        if self._place.url is None:
            return is_held(self._lock)
        found = peek_overview(
            self._place.state_dir, name=self._place.ledger_name, url=self._place.url
        )
        return found is not None and found.run is not None

    def _end(self) -> RunEnd | None:
        """As the ledger has it."""
        with suppress(sqlite3.Error):
            name, url = self._place.ledger_name, self._place.url
            return peek_end(self._place.state_dir, self._on.run_id, name=name, url=url)
        return None


def _tell(followed: _Followed, terminal: Terminal, *, as_json: bool) -> None:
    """A line, if there is something new."""
    run = followed.seen()
    about = followed.live.written_at if as_json else _gist(run)
    if about != followed.told:
        followed.told = about
        terminal.line(json.dumps(followed.live.to_json()) if as_json else line_of(run))


def _gist(run: RunSnapshot) -> tuple[object, ...]:
    """What counts as a change: not the time that passes."""
    breakers = tuple((service.service, service.breaker_state) for service in run.services)
    return (dict(run.totals), _NUMBERS.sub("", run.waiting), breakers)


def line_of(run: RunSnapshot) -> str:
    """`spring: 12/40 (30%): 8 completed, 28 pending; ETA 3:10; elevenlabs open`."""
    done = sum(run.totals.get(state, 0) for state in FINAL_STATES)
    share = f" ({done / run.contacts:.0%})" if run.contacts else ""
    parts = [f"{one_line(run.campaign, 64)}: {done}/{run.contacts}{share}"]
    parts += [counts_text(run.totals)] if run.totals else []
    parts += [f"ETA {clock_text(run.eta_s)}"] if run.eta_s else []
    parts += [
        f"{service.service} {service.breaker_state.replace('_', '-')}"
        for service in run.services
        if service.breaker_state is not BreakerState.CLOSED
    ]
    parts += [f"waiting: {one_line(run.waiting)}"] if run.waiting else []
    return mask_phones("; ".join(parts))


def _tell_end(followed: _Followed, terminal: Terminal, *, as_json: bool) -> None:
    live = followed.live
    if as_json:
        terminal.line(json.dumps({**live.to_json(), "reason": live.reason or how_it_ended(live)}))
        return
    terminal.line(line_of(live.run))
    terminal.line(f"{live.run.campaign}: {how_it_ended(live)}")


def how_it_ended(live: LiveRun) -> str:
    if live.exit_status is None:
        return f"the run has ended: {_KILLED}; the same command goes on"
    return f"the run has ended with status {live.exit_status}: {_reason(live)}"


def _reason(live: LiveRun) -> str:
    if live.reason:
        return one_line(live.reason)
    with suppress(ValueError):
        return EXIT_STATUSES[ExitStatus(live.exit_status or 0)]
    return "see `callagent status`"
