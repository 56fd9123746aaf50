"""The machine's clock and the zones of the world: who may be called when depends on both."""

from collections.abc import Iterator
from datetime import timedelta

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.ledger import ledger_to_read
from callagent_cli.checkup.note import Note, ok, problem, warning
from callagent_cli.config.loading import missing_for_real_calls
from callagent_cli.domain.errors import ServiceError
from callagent_cli.eligibility.zones import zone_data_version, zone_named

ROOM = "clock"
_OFF_S, _FAR_OFF_S = 30.0, 300.0  # Google and TLS give up at five minutes
_OLD_YEARS = 2
_SET = "set the clock: `timedatectl set-ntp true`"


def look(case: Case) -> Iterator[Note]:
    settings = case.settings
    if not wiring.is_sandbox(settings):
        yield from _behind_the_ledger(case)
        if not missing_for_real_calls(settings):
            yield _beside_the_provider(case)
    yield _zones(case)


def _beside_the_provider(case: Case) -> Note:
    try:
        with wiring.reached(case.settings, case.clock) as provider:
            before = case.clock.now()
            theirs = provider.dialer.their_time()
            ours = before + (case.clock.now() - before) / 2
    except ServiceError as error:
        fix = "compare it by hand: `date -u`"
        return warning(ROOM, f"cannot be compared with the provider's: {error.message}", fix)
    if theirs is None:
        return ok(ROOM, "the provider's answers carry no date to compare with")
    off_s = (ours - theirs).total_seconds()
    if abs(off_s) <= _OFF_S:
        return ok(ROOM, "agrees with the provider's to within half a minute")
    what = f"{abs(off_s):,.0f} s {'ahead of' if off_s > 0 else 'behind'} the provider's"
    return (problem if abs(off_s) > _FAR_OFF_S else warning)(ROOM, what, _SET)


def _behind_the_ledger(case: Case) -> Iterator[Note]:
    ledger = ledger_to_read(case.settings)
    if ledger is None:
        return
    with ledger:
        latest = ledger.latest_event_at()
    if latest is not None and latest > case.clock.now() + timedelta(seconds=_OFF_S):
        what = f"behind the ledger, which has calls of {latest:%Y-%m-%d %H:%M} UTC"
        yield problem(ROOM, what, _SET)


def _zones(case: Case) -> Note:
    zone_named("America/New_York").utcoffset(case.clock.now().replace(tzinfo=None))
    version = zone_data_version()
    if case.clock.now().year - int(version[:4]) >= _OLD_YEARS:
        what = f"the time zone data are of {version}: hours may have changed since"
        return warning(ROOM, what, "`pip install --upgrade tzdata`")
    return ok(ROOM, f"time zone data of {version}")
