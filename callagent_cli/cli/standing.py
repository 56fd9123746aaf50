"""How things stand, and what a person does next: from the ledger alone, at once.

Imports nothing that is slow.
"""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePath

from callagent_cli.cli.live_file import FRESH_S, LiveRun, read_live
from callagent_cli.cli.nearest import known
from callagent_cli.config.finding import Place, peek_place
from callagent_cli.domain.alert import Incident
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import FINAL_STATES, mask_phones
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.hold import Hold
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.fleet_records import FleetNow
from callagent_cli.ledger.overview import CampaignRow, Overview, RunOn
from callagent_cli.ledger.peek import peek_overview
from callagent_cli.simulator.virtual_clock import sandbox_start

NOTHING_YET = "start one with `callagent run CONTACTS`"


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that waits for a person, and the command to type."""

    why: str
    command: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    now: datetime  # of the sandbox, in a rehearsal
    campaigns: Sequence[CampaignRow] = ()
    owed_to: Mapping[str, int] = field(default_factory=dict)
    dead_to: Mapping[str, int] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()
    holds: Sequence[Hold] = ()
    run: RunOn | None = None
    live: LiveRun | None = None  # its latest news, if they are fresh
    fleet: FleetNow | None = None  # of a ledger on a server

    @property
    def in_doubt(self) -> int:
        return sum(row.in_doubt for row in self.campaigns)

    @property
    def paused(self) -> frozenset[str]:
        """Campaigns of which nobody more is called until somebody says so."""
        orders = self.fleet.orders if self.fleet is not None else ()
        return frozenset(order.campaign for order in orders if order.paused_at is not None)

    def advice(self) -> Sequence[Advice]:
        """What is most urgent first."""
        return [*self._of_run(), *self._of_trouble(), *self._of_campaigns()]

    def _of_run(self) -> Iterator[Advice]:
        if self.fleet is not None and (self.fleet.members or self.fleet.orders):
            yield from self._of_orders(self.fleet)
        elif self.run is not None and self.run.campaign:
            yield Advice(f"{self.run.campaign} is running", "callagent status --watch")

    def _of_orders(self, fleet: FleetNow) -> Iterator[Advice]:
        for order in fleet.orders:
            if order.paused_at is not None:
                why = one_line(f"{order.campaign} is paused: {mask_phones(order.reason)}", 300)
                yield Advice(why, f"callagent resume {order.campaign}", is_urgent=True)
            elif not fleet.members:
                why = f"{order.campaign} is ordered, and nobody works on it"
                yield Advice(why, "callagent worker", is_urgent=True)

    def _of_trouble(self) -> Iterator[Advice]:
        for hold in self.holds:
            lift = f"callagent breaker close {hold.service}"
            yield Advice(one_line(f"{hold.service} is {hold}", 300), lift, is_urgent=True)
        for incident in self.incidents:
            why = outage(incident, self.now)
            yield Advice(why, f"callagent health {incident.service}", is_urgent=True)
        if n := self.in_doubt:
            yield Advice(f"{n} in doubt, may have rung", "callagent review", is_urgent=True)
        if self.dead_to:
            why = f"messages given up: {_by_destination(self.dead_to)}"
            yield Advice(why, "callagent deliveries list", is_urgent=True)
        if self.owed_to and self.run is None:
            why = f"messages owed: {_by_destination(self.owed_to)}"
            yield Advice(why, "callagent deliveries flush")

    def _of_campaigns(self) -> Iterator[Advice]:
        for row in self.campaigns:
            if n := row.totals.get("failed", 0):
                yield Advice(f"{row.campaign}: {n} failed", f"callagent retry {row.campaign}")
            is_in_hand = row.is_running or row.campaign in self.paused
            if row.next_at is not None and not is_in_hand:
                yield Advice(f"{row.campaign}: {due_text(row, self.now)}", _run_again(row))


def place_of(config: Path | None) -> Place:
    """Raises ConfigError. A config in which the ledger's place is plain is not checked any
    further: that would take longer than the answer."""
    try:
        return peek_place(config, os.environ, Path.cwd())
    except Exception:  # noqa: BLE001 - whatever is wrong: those who check it say it best
        from callagent_cli.config.loading import load_settings

        return load_settings(config, os.environ, Path.cwd()).place


def read_standing(place: Place, campaign: str | None = None) -> Standing:
    """Of one campaign, or of all. Raises InputError for one that is unknown."""
    found = peek_overview(place.state_dir, name=place.ledger_name, url=place.url) or Overview()
    now = SystemClock().now()
    if place.is_sandbox:
        now = sandbox_start(now, not_before=found.latest_at)
    rows = found.campaigns
    if campaign is not None:
        known(campaign, [row.campaign for row in rows], "campaign", none=NOTHING_YET)
        rows = [row for row in rows if row.campaign == campaign]
    return Standing(
        now,
        [_not_in_the_past(row, now) for row in rows],
        found.owed_to,
        found.dead_to,
        found.incidents,
        found.holds,
        found.run,
        _live(place, found.run),
        found.fleet,
    )


def _live(place: Place, run: RunOn | None) -> LiveRun | None:
    news = read_live(place.state_dir) if run is not None else None
    if news is None or run is None or news.run_id != run.run_id:
        return None
    age_s = (SystemClock().now() - news.written_at).total_seconds()
    return news if age_s <= FRESH_S else None


def done(row: CampaignRow) -> int:
    return sum(row.totals.get(state, 0) for state in FINAL_STATES)


def due_text(row: CampaignRow, now: datetime) -> str:
    if row.next_at is None:
        return "nothing is due"
    return "due now" if row.next_at <= now else f"due {row.next_at:%Y-%m-%d %H:%M} UTC"


def outage(incident: Incident, now: datetime) -> str:
    lasts = duration_text((now - incident.opened_at).total_seconds())
    how = "refuses every request" if incident.is_refusal else "is down"
    said = mask_phones(one_line(incident.error))
    return f"{incident.service} {how}, for {lasts} as last seen: {said}"


def _by_destination(messages: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {destination}" for destination, n in sorted(messages.items()))


def _not_in_the_past(row: CampaignRow, now: datetime) -> CampaignRow:
    return row if row.next_at is None else replace(row, next_at=max(row.next_at, now))


def _run_again(row: CampaignRow) -> str:
    """The source is named as it was at first; its folder is not kept."""
    has_name = PurePath(row.source).name.partition(".")[0] == row.campaign
    named = "" if has_name else f" --campaign {row.campaign}"
    return f"callagent run {shlex.quote(one_line(row.source, 120) or 'CONTACTS')}{named}"
