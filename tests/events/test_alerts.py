import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from callagent_cli.domain.alert import Alert, AlertKind, Incident
from callagent_cli.domain.clock import Clock, SystemClock, Task
from callagent_cli.domain.errors import LedgerError, TransientError
from callagent_cli.domain.event import EventName
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.events.emitter import Emitter
from callagent_cli.events.incidents import Throttle
from callagent_cli.simulator.virtual_clock import VirtualClock
from tests.support.event_log import EventLog


class Channel:
    def __init__(self, name: str, fault: Exception | None = None) -> None:
        self.name, self._fault = name, fault
        self.got: list[Alert] = []

    def send(self, alert: Alert) -> None:
        if self._fault is not None:
            raise self._fault
        self.got.append(alert)

    @property
    def kinds(self) -> list[AlertKind]:
        return [alert.kind for alert in self.got]


class Bench:
    """A desk on a clock, told of events by a real emitter."""

    def __init__(self, *channels: Channel, clock: Clock | None = None) -> None:
        self.clock = clock or VirtualClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
        self.emit, self.log = Emitter(self.clock, run_id="run_1"), EventLog(self.clock)
        self.desk = AlertDesk(channels, self.clock, self.log, Throttle(1800, 300))
        self.emit.listen(self.desk)

    def start(self) -> Task:
        return self.clock.spawn("alerts", self.desk.run)

    def wait(self, seconds: float) -> None:
        self.clock.signal().wait(seconds)

    def trip(self) -> None:
        self.emit(EventName.BREAKER_OPENED, service="elevenlabs", error="503")


def test_alert_goes_to_every_channel_while_the_run_goes_on() -> None:
    email, telegram = Channel("email"), Channel("telegram")
    bench = Bench(email, telegram)
    bench.start()
    bench.trip()
    bench.wait(1)
    assert email.kinds == telegram.kinds == [AlertKind.INCIDENT_OPENED]
    sent = bench.log.of(EventName.ALERT_SENT)
    assert [(told["channel"], told["kind"]) for told in sent] == [
        ("email", "incident_opened"),
        ("telegram", "incident_opened"),
    ]
    bench.desk.flush(10)


@pytest.mark.parametrize("fault", [TransientError("email", "421 try later"), KeyError("bug")])
def test_channel_that_fails_leaves_the_alert_to_the_next(fault: Exception) -> None:
    email, telegram = Channel("email", fault), Channel("telegram")
    bench = Bench(email, telegram)
    bench.start()
    bench.trip()
    bench.desk.flush(10)
    assert telegram.kinds == [AlertKind.INCIDENT_OPENED]
    [failed] = bench.log.of(EventName.ALERT_FAILED)
    assert (failed["channel"], failed["kind"]) == ("email", "incident_opened")


class Book:
    """What the ledger does for the desk."""

    def __init__(self, *known: Incident, fault: Exception | None = None) -> None:
        self._known, self._fault = known, fault
        self.kept: list[AlertKind] = []
        self.standing: list[Incident] = []

    def open_incidents(self) -> list[Incident]:
        return list(self._known)

    def keep(self, alerts: Sequence[Alert], incidents: Sequence[Incident]) -> None:
        if self._fault is not None:
            raise self._fault
        self.kept += [alert.kind for alert in alerts]
        self.standing = list(incidents)


def _desk(book: Book, *channels: Channel) -> tuple[Emitter, AlertDesk, EventLog]:
    clock = VirtualClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    log = EventLog(clock)
    desk, emit = AlertDesk(channels, clock, log, book=book), Emitter(clock, run_id="run_1")
    emit.listen(desk)
    return emit, desk, log


def test_what_other_channels_are_to_tell_is_kept_with_the_incident() -> None:
    book = Book()
    emit, desk, _ = _desk(book)
    emit(EventName.BREAKER_OPENED, service="elevenlabs", error="503")
    desk.flush(10)
    assert book.kept == [AlertKind.INCIDENT_OPENED]
    assert [incident.service for incident in book.standing] == ["elevenlabs"]


def test_an_outage_that_an_earlier_run_told_is_not_told_again() -> None:
    at = datetime(2026, 11, 23, 14, 55, tzinfo=UTC)
    book = Book(Incident("elevenlabs", is_refusal=False, opened_at=at, told_at=at, error="503"))
    emit, desk, _ = _desk(book)
    emit(EventName.BREAKER_OPENED, service="elevenlabs", error="503")
    desk.flush(10)
    assert book.kept == []
    assert [incident.opened_at for incident in book.standing] == [at]


def test_the_first_answer_ends_an_outage_that_an_earlier_run_told() -> None:
    at = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    book = Book(Incident("elevenlabs", is_refusal=True, opened_at=at, told_at=at, error="401"))
    emit, desk, _ = _desk(book)
    emit(EventName.SERVICE_ANSWERED, service="crm")
    emit(EventName.SERVICE_ANSWERED, service="elevenlabs")
    desk.flush(10)
    assert book.kept == [AlertKind.INCIDENT_RECOVERED]
    assert book.standing == []


def test_who_comes_on_duty_ends_an_outage_whose_service_has_answered_somebody() -> None:
    at = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    known = [
        Incident(service, is_refusal=False, opened_at=at, told_at=at, error="503")
        for service in ("elevenlabs", "crm")
    ]
    book = Book(*known)
    _, desk, _ = _desk(book)
    desk.go_on_duty(["elevenlabs", "llm"])
    desk.flush(10)
    assert book.kept == [AlertKind.INCIDENT_RECOVERED]
    assert [incident.service for incident in book.standing] == ["crm"]


def test_a_ledger_that_fails_leaves_the_alert_to_the_channels_of_this_process() -> None:
    terminal = Channel("terminal")
    emit, desk, log = _desk(Book(fault=LedgerError("disk full")), terminal)
    emit(EventName.BREAKER_OPENED, service="elevenlabs", error="503")
    desk.flush(10)
    assert terminal.kinds == [AlertKind.INCIDENT_OPENED]
    assert [told["error"] for told in log.of(EventName.ALERT_FAILED)] == ["disk full"]


def test_reminders_and_digests_come_with_time_alone() -> None:
    channel = Channel("email")
    bench = Bench(channel)
    bench.start()
    bench.trip()
    bench.wait(1800.5)
    assert channel.kinds == [AlertKind.INCIDENT_OPENED, AlertKind.INCIDENT_ONGOING]
    bench.emit(EventName.BREAKER_CLOSED, service="elevenlabs", is_on_probation=True)
    bench.wait(300.5)
    assert channel.kinds[2:] == [AlertKind.INCIDENT_RECOVERED]
    bench.desk.flush(10)


def test_flush_sends_what_is_owed_and_ends_the_task() -> None:
    channel = Channel("email")
    bench = Bench(channel)
    task = bench.start()
    for number in range(3):
        bench.emit(EventName.CONTACT_FAILED, service="elevenlabs", contact_id=f"c{number}")
    bench.desk.flush(10)
    assert channel.kinds == [AlertKind.CALL_FAILED, AlertKind.CALLS_FAILED_DIGEST]
    assert task.join(10)


def test_flush_sends_even_when_the_task_was_never_started() -> None:
    channel = Channel("email")
    bench = Bench(channel)
    bench.trip()
    bench.desk.flush(10)
    assert channel.kinds == [AlertKind.INCIDENT_OPENED]


def test_channel_that_hangs_delays_no_event_and_the_end_is_bounded() -> None:
    hangs, released = threading.Event(), threading.Event()

    class Hung(Channel):
        def send(self, alert: Alert) -> None:
            hangs.set()
            assert released.wait(30)

    bench = Bench(Hung("email"), clock=SystemClock())
    task = bench.start()
    bench.trip()
    assert hangs.wait(10)
    for number in range(5000):
        bench.emit(EventName.BREAKER_OPENED, service=f"s{number}", error="503")
    bench.desk.flush(0.05)
    told = bench.log.of(EventName.ALERT_FAILED)
    assert len(told) == 500  # the queue is bounded: the oldest give way
    assert told[0]["error"] == "the run ended before it could be sent"
    released.set()
    assert task.join(10)


def test_kind_that_nobody_asked_for_is_kept_to_itself() -> None:
    channel = Channel("email")
    bench = Bench(channel)
    bench.emit(EventName.RUN_FINISHED, dialled=3, remaining=0, exit_status=0, reason="done")
    bench.desk.flush(10)
    assert channel.kinds == []
    assert bench.log.names == []
