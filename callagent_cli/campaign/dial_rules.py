"""What follows from how a call ended: done, or another call later.

Called by: campaign.runner. Not to be taken for a retry: a retry repeats a request that reached
nobody, a redial is another call. Invariant: pure; an end that nobody understands is never
redialled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import ContactState
from callagent_cli.ledger.records import NextStep


@dataclass(frozen=True, slots=True)
class RedialRules:
    delays: Mapping[Disposition, float | None]  # seconds until the next call; None: never
    max_attempts: int  # calls per contact and campaign
    most: Mapping[Disposition, int] = field(default_factory=dict)  # calls that may end so
    spread: frozenset[Disposition] = frozenset()  # the next one in another part of the day

    @property
    def need_history(self) -> bool:
        return bool(self.most or self.spread)


@dataclass(frozen=True, slots=True)
class History:
    """The calls of a contact in this campaign, this one included."""

    calls: Sequence[tuple[datetime, Disposition]]  # when it began, how it ended
    zone: tzinfo | None = None  # where the contact is, if one zone is known
    callback_at: datetime | None = None  # when the person asked to be called

    def ended(self, disposition: Disposition) -> int:
        return sum(how is disposition for _, how in self.calls)


_WORDS = {
    Disposition.NO_ANSWER: "nobody answered",
    Disposition.BUSY: "the line was busy",
    Disposition.VOICEMAIL: "a machine answered",
    Disposition.FAILED: "the call failed",
}


_FIRST_HOUR = 8  # nobody's morning begins at midnight; the calling window may be narrower
# of the contact's own day, by the hour at which each begins
_PARTS = ((0, "the morning"), (12, "the afternoon"), (17, "the evening"))


def next_step(
    disposition: Disposition,
    *,
    calls_made: int,
    rules: RedialRules,
    now: datetime,
    history: History = History(()),
) -> NextStep:
    """Say where a contact goes after a call.

    calls_made: this one included; now: aware, when the call ended.
    """
    if history.callback_at is not None and calls_made < rules.max_attempts:
        asked = f"asked to be called at {history.callback_at:%Y-%m-%d %H:%M} UTC"
        return NextStep(ContactState.DEFERRED, max(history.callback_at, now), asked)
    match disposition:
        case Disposition.ANSWERED:
            return NextStep(ContactState.COMPLETED, reason="answered")
        case Disposition.UNKNOWN:
            ended = "the call ended, and nobody knows how: not called again by itself"
            return NextStep(ContactState.COMPLETED, reason=ended)
        case _:
            return _after_miss(disposition, calls_made, rules, now, history)


def _after_miss(
    disposition: Disposition,
    calls_made: int,
    rules: RedialRules,
    now: datetime,
    history: History,
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
    most = rules.most.get(disposition)
    if most is not None and history.ended(disposition) >= most:
        often = f"{what}, {most} times: that is as often as configured"
        return NextStep(ContactState.EXHAUSTED, reason=often)
    again = f"{what}; call {calls_made + 1} of at most {rules.max_attempts} follows"
    next_at = now + timedelta(seconds=delay_s)
    if disposition in rules.spread and history.zone is not None:
        next_at, part = _elsewhere_in_the_day(next_at, history.calls, history.zone)
        again = f"{again}, in {part}"
    return NextStep(ContactState.DEFERRED, next_at, again)


def _elsewhere_in_the_day(
    earliest: datetime, calls: Sequence[tuple[datetime, Disposition]], zone: tzinfo
) -> tuple[datetime, str]:
    """The first time from `earliest` on in the part of the contact's day that was tried least."""
    tried = [_part_of(began.astimezone(zone).hour) for began, _ in calls]
    least = min(tried.count(part) for part in range(len(_PARTS)))
    wanted = {part for part in range(len(_PARTS)) if tried.count(part) == least}
    local = earliest.astimezone(zone)
    if (part := _part_of(local.hour)) in wanted:
        return earliest, _PARTS[part][1]
    begins = [
        (local + timedelta(days=day)).replace(
            hour=_PARTS[part][0] or _FIRST_HOUR, minute=0, second=0, microsecond=0, fold=0
        )
        for day in (0, 1)
        for part in wanted
    ]
    chosen = min(begin for begin in begins if begin > local)
    return chosen.astimezone(earliest.tzinfo), _PARTS[_part_of(chosen.hour)][1]


def _part_of(hour: int) -> int:
    return max(part for part, (begins, _) in enumerate(_PARTS) if hour >= begins)
