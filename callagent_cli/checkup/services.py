"""Services beside the call, and the channels by which a person hears of trouble."""

from collections.abc import Iterator, Sequence

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Check, Look, Note, ok, problem, warning
from callagent_cli.domain.alert import Alert, AlertChannel, AlertKind
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import ServiceError
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.domain.ports import Prober
from callagent_cli.domain.text import one_line

ALERTS = "alerts"
_VOICE = "elevenlabs"  # has checks of its own


def checks(case: Case, *, sends_test: bool) -> list[Check]:
    """One for each service and channel that is switched on."""
    asked = [one for one in wiring.probers(case.settings) if one.service != _VOICE]
    found = [Check(prober.service, _asking(prober)) for prober in asked]
    found.append(Check(ALERTS, lambda: look_for_alerts(case)))
    if sends_test:
        found += [_sending(one, case) for one in wiring.plain_channels(case.settings, case.clock)]
    return found


def _asking(prober: Prober) -> Look:
    return lambda: _in_words(prober.probe())


def _in_words(health: Health) -> Iterator[Note]:
    service, said = health.service, one_line(health.detail)
    again = f"see `callagent health {service}`"
    match health.status:
        case HealthStatus.OK:
            yield ok(service, said)
        case HealthStatus.DISABLED:
            return
        case HealthStatus.MISCONFIGURED:
            yield problem(service, said, one_line(health.remedy) or again)
        case HealthStatus.DOWN | HealthStatus.DEGRADED:
            yield warning(service, said, one_line(health.remedy) or again)


def look_for_alerts(case: Case) -> Iterator[Note]:
    """Somebody must hear of an outage at night."""
    ready = [channel.name for channel in wiring.plain_channels(case.settings, case.clock)]
    if not ready:
        what = "no alert channel is set up: an outage is told on the terminal and in the log only"
        fix = "enable email, telegram or webhook under `alerts`, then `callagent alerts test`"
        yield warning(ALERTS, what, fix)
    else:
        yield ok(ALERTS, f"go to {', '.join(ready)}; `callagent alerts test` sends one")


def _sending(channel: AlertChannel, case: Case) -> Check:
    def look() -> Sequence[Note]:
        try:
            channel.send(test_alert(case.clock, "callagent doctor --send-test"))
        except ServiceError as error:
            return [problem(channel.name, one_line(error.message), error.hint or _RETRY)]
        return [ok(channel.name, "took a test alert; see whether it arrived")]

    return Check(channel.name, look)


_RETRY = "try it alone: `callagent alerts test`"


def test_alert(clock: Clock, command: str) -> Alert:
    """An alert of which nobody need be afraid. command: as somebody typed it."""
    now = clock.now()
    return Alert(
        key=f"test:{now.isoformat()}",
        kind=AlertKind.TEST,
        at=now,
        service="",
        title="TEST: this is a test of the alert channels",
        happened=f"somebody typed `{command}` at {now:%Y-%m-%d %H:%M:%S} UTC",
        meaning="nothing is wrong",
        automatic="nothing",
        todo="nothing: that you read this is the result",
    )
