from collections.abc import Iterable

import pytest

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.event import Event, EventName
from callagent_cli.events.incidents import Incidents, Throttle
from tests.support.facts import at, fact

K = AlertKind


def trip(at_s: float, *, is_retrip: bool = False, service: str = "elevenlabs") -> Event:
    return fact(
        EventName.BREAKER_OPENED,
        at_s,
        service=service,
        breaker_state="open",
        retry_count=0,
        error="503 unavailable",
        error_category="transient",
        is_retrip=is_retrip,
        is_forced=False,
    )


def refusal(at_s: float, *, is_retrip: bool = False) -> Event:
    return fact(
        EventName.BREAKER_OPENED,
        at_s,
        service="elevenlabs",
        error="401 invalid api key",
        error_category="permanent",
        is_retrip=is_retrip,
        is_forced=True,
    )


def close(at_s: float, *, is_on_probation: bool = False, service: str = "elevenlabs") -> Event:
    return fact(EventName.BREAKER_CLOSED, at_s, service=service, is_on_probation=is_on_probation)


def failed(at_s: float, who: str, category: str = "transient") -> Event:
    return fact(
        EventName.CONTACT_FAILED,
        at_s,
        service="elevenlabs",
        contact_id=who,
        attempt_id=f"ca_{who}",
        phone="+1202*****23",
        error="503 unavailable",
        error_category=category,
        tries=4,
    )


def doubt(at_s: float, who: str) -> Event:
    return fact(
        EventName.CALL_IN_DOUBT,
        at_s,
        service="elevenlabs",
        contact_id=who,
        attempt_id=f"ca_{who}",
        error="the answer was lost",
        error_category="ambiguous",
    )


def deferred(at_s: float, contacts: int) -> Event:
    return fact(EventName.CONTACT_DEFERRED, at_s, service="elevenlabs", contacts=contacts)


def play(incidents: Incidents, events: Iterable[Event]) -> list[Alert]:
    """Hear each event in its turn, and what falls due before it."""
    told = list[Alert]()
    for event in events:
        told += incidents.due(event.at)
        told += incidents.hear(event)
    return told


def kinds(alerts: Iterable[Alert]) -> list[AlertKind]:
    return [alert.kind for alert in alerts]


def test_required_scenario_raises_exactly_three_alerts() -> None:
    requests = [
        fact(EventName.REQUEST_FAILED, s, service="elevenlabs") for s in (0.0, 5.0, 15.0, 35.0)
    ]
    probes = [fact(EventName.HEALTH_FAILED, s, service="elevenlabs") for s in (60.0, 90.0)]
    told = play(
        Incidents(),
        [
            *requests,
            failed(35.0, "c1"),
            fact(EventName.REQUEST_FAILED, 36.0, service="elevenlabs"),
            trip(36.0),
            fact(EventName.CONTACT_DEFERRED, 36.0, service="elevenlabs", contact_id="c2", tries=1),
            deferred(37.0, 2),
            *probes,
            fact(EventName.HEALTH_PASSED, 120.0, service="elevenlabs"),
            fact(EventName.BREAKER_HALF_OPENED, 120.0, service="elevenlabs"),
            close(120.0),
            fact(EventName.CALL_PLACED, 120.0, contact_id="c2"),
            fact(EventName.CALL_ENDED, 120.0, contact_id="c2", disposition="answered"),
            fact(EventName.CALL_PLACED, 121.0, contact_id="c3"),
            fact(EventName.CALL_PLACED, 122.0, contact_id="c4"),
        ],
    )
    assert kinds(told) == [K.CALL_FAILED, K.INCIDENT_OPENED, K.INCIDENT_RECOVERED]
    assert [alert.at for alert in told] == [at(35.0), at(36.0), at(120.0)]
    assert "84 s" in told[2].title
    assert "3 deferred" in told[2].happened


def test_call_whose_failure_opened_the_breaker_is_told_although_the_breaker_is_open() -> None:
    told = play(Incidents(), [trip(15.0), failed(15.01, "c1"), failed(15.02, "c2"), close(60.0)])
    assert kinds(told) == [K.INCIDENT_OPENED, K.CALL_FAILED, K.INCIDENT_RECOVERED]
    assert "2 failed" in told[2].happened


def test_call_cut_short_when_the_breaker_opened_hides_the_failures_after_it() -> None:
    told = play(Incidents(), [trip(36.0), deferred(36.0, 1), failed(36.1, "c9")])
    assert kinds(told) == [K.INCIDENT_OPENED]


def test_outage_of_a_thousand_contacts_is_two_alerts() -> None:
    events = [trip(0.0)]
    events += [failed(float(n), f"c{n}") for n in range(1, 1000)]
    told = play(Incidents(), [*events, close(1000.0)])
    assert kinds(told) == [K.INCIDENT_OPENED, K.INCIDENT_RECOVERED]
    assert "999 failed" in told[1].happened


def test_failed_trials_inside_an_incident_are_silent() -> None:
    told = play(Incidents(), [trip(0.0), trip(60.0, is_retrip=True), trip(180.0, is_retrip=True)])
    assert kinds(told) == [K.INCIDENT_OPENED]


def test_incident_that_lasts_is_told_again_every_repeat_interval() -> None:
    incidents = Incidents(Throttle(repeat_interval_s=1800))
    incidents.hear(trip(0.0))
    incidents.hear(deferred(1.0, 40))
    assert incidents.next_due_at() == at(1800)
    assert incidents.due(at(1799)) == []
    [first] = incidents.due(at(1800))
    [second] = incidents.due(at(3605))
    assert kinds([first, second]) == [K.INCIDENT_ONGOING, K.INCIDENT_ONGOING]
    assert first.key != second.key
    assert "40 deferred" in first.happened
    assert "30 min" in first.title
    [recovered] = incidents.hear(close(3700.0))
    assert recovered.kind is K.INCIDENT_RECOVERED
    assert incidents.next_due_at() is None


def test_new_incident_after_a_recovery_is_told_anew() -> None:
    told = play(Incidents(), [trip(0.0), close(60.0), trip(100.0), close(160.0)])
    assert kinds(told) == [K.INCIDENT_OPENED, K.INCIDENT_RECOVERED] * 2
    assert len({alert.key for alert in told}) == 4


def test_two_services_have_incidents_of_their_own() -> None:
    told = play(Incidents(), [trip(0.0), trip(1.0, service="crm"), close(2.0, service="crm")])
    assert [(alert.kind, alert.service) for alert in told] == [
        (K.INCIDENT_OPENED, "elevenlabs"),
        (K.INCIDENT_OPENED, "crm"),
        (K.INCIDENT_RECOVERED, "crm"),
    ]


@pytest.mark.parametrize("proof", [EventName.CALL_PLACED, EventName.DELIVERY_SENT])
def test_breaker_closed_by_probes_has_recovered_with_the_first_real_success(
    proof: EventName,
) -> None:
    told = play(Incidents(), [trip(0.0), close(60.0, is_on_probation=True), fact(proof, 61.0)])
    assert kinds(told) == [K.INCIDENT_OPENED, K.INCIDENT_RECOVERED]
    assert told[1].at == at(61.0)


def test_success_that_another_process_had_ends_what_has_passed_its_probes() -> None:
    incidents = Incidents()
    play(incidents, [trip(0.0)])
    assert incidents.prove("elevenlabs", at(59.0)) == []  # from before the outage
    play(incidents, [close(60.0, is_on_probation=True)])
    assert incidents.prove("crm", at(61.0)) == []
    assert kinds(incidents.prove("elevenlabs", at(61.0))) == [K.INCIDENT_RECOVERED]
    assert incidents.standing() == []


def test_success_of_another_service_proves_nothing() -> None:
    sent = fact(EventName.DELIVERY_SENT, 61.0, service="crm")
    told = play(Incidents(), [trip(0.0), close(60.0, is_on_probation=True), sent])
    assert kinds(told) == [K.INCIDENT_OPENED]


def test_probation_that_breaks_is_the_same_incident() -> None:
    told = play(
        Incidents(),
        [
            trip(0.0),
            close(60.0, is_on_probation=True),
            trip(61.0, is_retrip=True),
            close(180.0),
        ],
    )
    assert kinds(told) == [K.INCIDENT_OPENED, K.INCIDENT_RECOVERED]


def test_probation_without_traffic_ends_with_the_digest_interval() -> None:
    incidents = Incidents(Throttle(digest_interval_s=300))
    incidents.hear(trip(0.0))
    incidents.hear(close(60.0, is_on_probation=True))
    assert incidents.due(at(359.0)) == []
    assert kinds(incidents.due(at(360.0))) == [K.INCIDENT_RECOVERED]


def test_failures_after_the_first_are_told_together() -> None:
    incidents = Incidents(Throttle(digest_interval_s=300))
    told = play(incidents, [failed(float(n), f"c{n}") for n in range(8)])
    assert kinds(told) == [K.CALL_FAILED]
    assert incidents.next_due_at() == at(300.0)
    [digest] = incidents.due(at(300.0))
    assert digest.kind is K.CALLS_FAILED_DIGEST
    assert digest.title == "7 more calls failed"
    assert "c1, c2, c3, c4, c5, …" in digest.happened


def test_failure_long_after_the_last_is_told_at_once_again() -> None:
    told = play(Incidents(), [failed(0.0, "c1"), failed(1000.0, "c2")])
    assert kinds(told) == [K.CALL_FAILED, K.CALL_FAILED]


def test_digest_of_one_is_told_as_one_failure() -> None:
    incidents = Incidents()
    play(incidents, [failed(0.0, "c1"), failed(1.0, "c2")])
    [alert] = incidents.due(at(300.0))
    assert alert.kind is K.CALL_FAILED
    assert "c2" in alert.title


def test_failures_of_another_kind_are_told_at_once() -> None:
    told = play(Incidents(), [failed(0.0, "c1"), failed(1.0, "c2", "permanent")])
    assert kinds(told) == [K.CALL_FAILED, K.CALL_FAILED]
    assert "callagent retry spring" in told[1].command


def test_digest_that_waits_when_an_incident_opens_is_told_with_its_end() -> None:
    incidents = Incidents()
    told = play(incidents, [failed(0.0, "c1"), failed(1.0, "c2"), failed(2.0, "c3"), trip(3.0)])
    assert kinds(told) == [K.CALL_FAILED, K.INCIDENT_OPENED]
    assert incidents.due(at(301.0)) == []
    [recovered] = incidents.hear(close(400.0))
    assert "2 failed" in recovered.happened


def test_call_in_doubt_asks_for_a_review() -> None:
    [alert] = Incidents().hear(doubt(0.0, "c1"))
    assert alert.kind is K.IN_DOUBT
    assert alert.command == "callagent review"
    assert "not dialled again" in alert.meaning


def test_refused_service_is_told_once_and_asks_for_a_person() -> None:
    told = play(Incidents(), [refusal(0.0), refusal(5.0, is_retrip=True)])
    assert kinds(told) == [K.REFUSED]
    assert "401 invalid api key" in told[0].happened
    assert told[0].command == "callagent health elevenlabs"


def test_refusal_inside_an_outage_is_told_although_the_outage_was() -> None:
    told = play(Incidents(), [trip(0.0), refusal(60.0, is_retrip=True)])
    assert kinds(told) == [K.INCIDENT_OPENED, K.REFUSED]


def finish(at_s: float, dialled: int, remaining: int, exit_status: int) -> Event:
    return fact(
        EventName.RUN_FINISHED,
        at_s,
        dialled=dialled,
        remaining=remaining,
        exit_status=exit_status,
        reason="because",
    )


def test_finished_campaign_is_told() -> None:
    [alert] = Incidents().hear(finish(0.0, dialled=12, remaining=0, exit_status=0))
    assert alert.kind is K.CAMPAIGN_FINISHED
    assert alert.title == "spring is finished"
    assert alert.command == "callagent report spring"


def test_stopped_campaign_says_how_many_are_left() -> None:
    [alert] = Incidents().hear(finish(0.0, dialled=12, remaining=3, exit_status=4))
    assert alert.title == "spring stopped with 3 contacts left"


@pytest.mark.parametrize("status", [0, 4])
def test_run_that_called_nobody_is_no_news(status: int) -> None:
    assert Incidents().hear(finish(0.0, dialled=0, remaining=9, exit_status=status)) == []


def test_run_ended_by_hand_is_no_news() -> None:
    assert Incidents().hear(finish(0.0, dialled=5, remaining=9, exit_status=130)) == []


def test_end_of_the_run_tells_what_is_owed_first() -> None:
    incidents = Incidents()
    play(incidents, [failed(0.0, "c1"), failed(1.0, "c2"), failed(2.0, "c3")])
    told = incidents.hear(finish(3.0, dialled=3, remaining=0, exit_status=3))
    assert kinds(told) == [K.CALLS_FAILED_DIGEST, K.CAMPAIGN_FINISHED]


def test_incident_still_open_at_the_end_has_not_recovered() -> None:
    incidents = Incidents()
    incidents.hear(trip(0.0))
    told = incidents.hear(finish(900.0, dialled=0, remaining=9, exit_status=4))
    assert told == []


def test_every_alert_tells_all_that_its_reader_needs_and_no_number() -> None:
    evil = "+12025550123\x1b[2J\n\u202e"
    events = [
        fact(EventName.CONTACT_FAILED, 0.0, contact_id=evil, error=evil, service="a"),
        fact(EventName.CONTACT_FAILED, 1.0, contact_id=evil, error=evil, service="a"),
        fact(EventName.CONTACT_FAILED, 2.0, contact_id=evil, error=evil, service="a"),
        fact(EventName.CALL_IN_DOUBT, 3.0, contact_id=evil, error=evil, service="b"),
        fact(EventName.DELIVERY_DEAD_LETTERED, 3.0, service="e", key="k", error=evil),
        fact(EventName.RUN_HALTED, 3.5, reason=evil),
        fact(EventName.BREAKER_OPENED, 4.0, service="c", error=evil),
        fact(EventName.BREAKER_OPENED, 5.0, service="d", error=evil, is_forced=True),
        finish(400.0, dialled=1, remaining=1, exit_status=4),
    ]
    incidents = Incidents()
    told = [
        *play(incidents, events),
        *incidents.due(at(9999)),
        *incidents.hear(close(9999.0, service="c")),
    ]
    assert set(kinds(told)) == set(K) - {K.TEST}
    for alert in told:
        parts = (alert.title, alert.happened, alert.meaning, alert.automatic, alert.todo)
        assert all(parts)
        text = "".join((*parts, alert.command))
        assert "2025550123" not in text
        assert text.isprintable()


def test_two_calls_with_one_attempts_id_are_told() -> None:
    about = {"attempt_id": "ca_1", "contact_id": "c1", "service": "elevenlabs"}
    one = fact(EventName.CALL_RECONCILED, 1.0, **about, verdict="placed", matches=1)
    two = fact(EventName.CALL_RECONCILED, 1.0, **about, verdict="placed", matches=2)
    assert Incidents().hear(one) == []
    (alert,) = Incidents().hear(two)
    assert "2 calls" in alert.title


def dead_letter(at_s: float, key: str) -> Event:
    return fact(
        EventName.DELIVERY_DEAD_LETTERED,
        at_s,
        service="crm",
        key=key,
        error="404 no such contact +12025550123",
        error_category="permanent",
    )


def test_a_dead_letter_is_told_at_once_and_more_of_them_together() -> None:
    incidents = Incidents(Throttle(1800, 300))
    [first] = incidents.hear(dead_letter(0.0, "a"))
    assert (first.kind, first.command) == (K.GIVEN_UP, "callagent deliveries list")
    assert "+12025550123" not in first.title + first.happened
    assert incidents.hear(dead_letter(1.0, "b")) == []
    assert incidents.hear(dead_letter(2.0, "c")) == []
    [more] = incidents.due(at(300.0))
    assert "2 more messages" in more.title
    assert more.key != first.key


def test_a_ledger_that_stays_away_is_told_from_when_it_was_lost_until_it_answers() -> None:
    incidents = Incidents(Throttle(repeat_interval_s=1800))
    missed = fact(EventName.LEDGER_MISSED, 130, error="no answer", elapsed_ms=30_000)
    (down,) = incidents.hear(missed)
    assert (down.kind, down.title, down.service) == (K.INCIDENT_OPENED, "ledger is down", "ledger")
    assert at(100).strftime("%H:%M:%S") in down.happened
    assert down.command == "callagent status"
    assert "status page" not in down.todo
    (ongoing,) = incidents.due(at(130 + 1800))
    assert (ongoing.kind, ongoing.todo) == (
        K.INCIDENT_ONGOING,
        "look at its database server, and at the network to it",
    )
    (back,) = incidents.hear(fact(EventName.LEDGER_FOUND, 2000, elapsed_ms=1_900_000))
    assert (back.kind, back.title) == (K.INCIDENT_RECOVERED, "ledger is back after 32 min")
    assert incidents.hear(fact(EventName.LEDGER_FOUND, 2001)) == []
