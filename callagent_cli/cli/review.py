"""`callagent review`, `resolve`, `retry`: what a person settles."""

import json
from dataclasses import dataclass
from functools import partial

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import mask_phone
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.text import clean
from callagent_cli.ledger.records import DoubtfulAttempt


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a named person says of one attempt."""

    attempt_id: str
    was_called: bool
    by: str
    note: str = ""


def review(*, as_json: bool, show_pii: bool, common: Common) -> int:
    """List the attempts in doubt with everything that is known of them."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    with wiring.read_ledger(settings) as ledger:
        doubtful = list(ledger.in_doubt())
    if as_json:
        terminal.result(json.dumps([_row(d, show_pii) for d in doubtful], indent=2))
        return 6 if doubtful else 0
    if not doubtful:
        terminal.say("no attempt is in doubt")
        return 0
    terminal.show(_table(doubtful, show_pii))
    terminal.say(
        "Ask the person, or look into the provider's call list for the attempt's id or number.\n"
        "Then: callagent resolve ATTEMPT --called --by NAME   (nobody calls them again)\n"
        "  or: callagent resolve ATTEMPT --not-called --by NAME   (the next run calls them)"
    )
    return 6


def _row(doubt: DoubtfulAttempt, show_pii: bool) -> dict[str, object]:
    claim = doubt.ticket.claim
    return {
        "attempt_id": claim.attempt_id,
        "campaign": claim.campaign,
        "contact_id": claim.contact.id if show_pii else _hide(claim.contact.id),
        "phone": claim.contact.phone if show_pii else mask_phone(claim.contact.phone),
        "name": claim.contact.name,
        "started_at": doubt.ticket.started_at.isoformat(),
        "error": doubt.error,
        "looked_up": doubt.looked_up,
        "last_looked_at": doubt.last_looked_at.isoformat() if doubt.last_looked_at else None,
    }


def _hide(contact_id: str) -> str:
    """A contact without an id of its own is known by its number."""
    return mask_phone(contact_id) if contact_id.startswith("+") else contact_id


def _table(doubtful: list[DoubtfulAttempt], show_pii: bool) -> Table:
    table = Table(title=f"{len(doubtful)} in doubt: each may have rung", title_justify="left")
    for heading in ("attempt", "campaign", "contact", "since (UTC)", "what was seen", "looked up"):
        table.add_column(heading, overflow="fold")
    for doubt in doubtful:
        row = _row(doubt, show_pii)
        table.add_row(
            *(
                Text(clean(str(cell), 200))
                for cell in (
                    row["attempt_id"],
                    row["campaign"],
                    f"{row['name'] or row['contact_id']} {row['phone']}",
                    f"{doubt.ticket.started_at:%Y-%m-%d %H:%M:%S}",
                    doubt.error,
                    f"{doubt.looked_up} times",
                )
            )
        )
    return table


def resolve(settlement: Settlement, common: Common) -> int:
    """Settle one attempt, by a named person; it is logged."""
    if not settlement.by.strip():
        raise InputError("who settles this?", hint="add --by NAME: it is kept with the attempt")
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    with wiring.held_ledger(settings) as ledger:
        ledger.resolve(
            settlement.attempt_id,
            called=settlement.was_called,
            by=settlement.by,
            note=settlement.note,
            owing=partial(wiring.owed_for_call, settings, SystemClock()),
        )
    wiring.tell(
        settings,
        EventName.CALL_RESOLVED,
        attempt_id=settlement.attempt_id,
        by=settlement.by,
        verdict="called" if settlement.was_called else "not_called",
    )
    then = "nobody calls them again" if settlement.was_called else "the next run calls them"
    terminal.say(f"{settlement.attempt_id} settled by {clean(settlement.by, 80)}: {then}")
    return 0


def retry(campaign: str, *, ids: tuple[str, ...], common: Common) -> int:
    """Put failed contacts back in the queue."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    with wiring.held_ledger(settings) as ledger:
        wiring.known_campaign(ledger, campaign)
        moved = ledger.requeue(campaign, ids=frozenset(ids) or None, only_transient=False)
    if ids and not moved:
        hint = f"`callagent report {campaign}` shows who failed, with ids"
        raise InputError("none of these contacts has failed", hint=hint)
    words = "1 contact is" if moved == 1 else f"{moved} contacts are"
    terminal.say(f"{words} back in the queue of {campaign}")
    return 0
