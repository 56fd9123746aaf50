"""What follows from how a call ended: done, or another call later.

Called by: campaign.runner. Invariant: pure; an end that nobody understands is never redialled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import ContactState
from callagent_cli.ledger.records import NextStep


@dataclass(frozen=True, slots=True)
class RedialRules:
    delays: Mapping[Disposition, float | None]  # seconds until the next call; None: never
    max_attempts: int  # calls per contact and campaign


_WORDS = {
    Disposition.NO_ANSWER: "nobody answered",
    Disposition.BUSY: "the line was busy",
    Disposition.VOICEMAIL: "a machine answered",
    Disposition.FAILED: "the call failed",
}


def next_step(
    disposition: Disposition, *, calls_made: int, rules: RedialRules, now: datetime
) -> NextStep:
    """Say where a contact goes after a call.

    calls_made: this one included; now: aware, when the call ended.
    """
    match disposition:
        case Disposition.ANSWERED:
            return NextStep(ContactState.COMPLETED, reason="answered")
        case Disposition.UNKNOWN:
            ended = "the call ended, and nobody knows how: not called again by itself"
            return NextStep(ContactState.COMPLETED, reason=ended)
        case _:
            return _after_miss(disposition, calls_made, rules, now)


def _after_miss(
    disposition: Disposition, calls_made: int, rules: RedialRules, now: datetime
) -> NextStep:
    what = _WORDS[disposition]
    delay_s = rules.delays.get(disposition)
    if delay_s is None:
        is_technical = disposition is Disposition.FAILED
        state = ContactState.FAILED if is_technical else ContactState.EXHAUSTED
        return NextStep(state, reason=f"{what}; no redial is configured for that")
    if calls_made >= rules.max_attempts:
        used = f"{what}; all {rules.max_attempts} attempts are used"
        return NextStep(ContactState.EXHAUSTED, reason=used)
    again = f"{what}; call {calls_made + 1} of at most {rules.max_attempts} follows"
    return NextStep(ContactState.DEFERRED, now + timedelta(seconds=delay_s), again)
