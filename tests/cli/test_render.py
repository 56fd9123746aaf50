import pytest

from callagent_cli.cli.render import TerminalChannel, line_for
from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.event import EventName, FieldValue
from tests.support.facts import START, fact

WHO: dict[str, FieldValue] = {"contact_id": "c1", "phone": "+1202*****23"}


@pytest.mark.parametrize(
    ("name", "fields", "line"),
    [
        (EventName.CALL_ENDED, {**WHO, "disposition": "no_answer"}, "c1 +1202*****23: no answer"),
        (EventName.CONTACT_FAILED, {**WHO, "error": "503"}, "c1 +1202*****23: failed: 503"),
        (
            EventName.CALL_IN_DOUBT,
            {**WHO, "error": "the answer was lost"},
            "c1 +1202*****23: in doubt, may have rung: the answer was lost",
        ),
        (EventName.CONTACT_HELD, {**WHO, "reason": "8 am"}, "c1 +1202*****23: held: 8 am"),
        (
            EventName.CONTACT_DEFERRED,
            {"contacts": 3, "error": "x is down"},
            "3 contacts: deferred: x is down",
        ),
        (EventName.CONTACT_REJECTED, {"line": 4, "reason": "no"}, "line 4: rejected: no"),
        (
            EventName.RETRY_SCHEDULED,
            {
                **WHO,
                "error": "503",
                "try_no": 2,
                "max_tries": 4,
                "retry_count": 1,
                "next_retry_s": 5.0,
            },
            "c1 +1202*****23: 503: try 2/4 (retry 1/3) in 5 s",
        ),
        (
            EventName.BREAKER_OPENED,
            {"service": "elevenlabs", "error": "503"},
            "elevenlabs: breaker opened: 503",
        ),
        (
            EventName.BREAKER_HALF_OPENED,
            {"service": "elevenlabs"},
            "elevenlabs: breaker half-opened",
        ),
    ],
)
def test_verbose_says_a_line(name: EventName, fields: dict[str, FieldValue], line: str) -> None:
    assert line_for(fact(name, 0.0, **fields)) == line


def test_verbose_is_silent_about_the_rest() -> None:
    told = {name for name in EventName if line_for(fact(name, 0.0, **WHO)) is not None}
    assert EventName.CALL_PLACED not in told
    assert EventName.REQUEST_FAILED not in told


def test_contact_known_by_its_number_is_shown_masked_and_once() -> None:
    event = fact(
        EventName.CALL_ENDED,
        contact_id="+12025550123",
        phone="+1202*****23",
        disposition="answered",
    )
    assert line_for(event) == "+1202*****23: answered"


@pytest.mark.parametrize("name", list(EventName))
def test_hostile_text_stays_one_printable_line(name: EventName) -> None:
    evil = "a\x1b[2J\n\u202e+12025550123[/foo]" + "x" * 10_000
    line = line_for(fact(name, contact_id=evil, error=evil, reason=evil, service=evil))
    assert line is None or (line.isprintable() and len(line) <= 300 and "5550123" not in line)


def test_alert_is_written_with_all_its_parts() -> None:
    written = list[str]()
    TerminalChannel(written.append).send(
        Alert(
            key="k",
            kind=AlertKind.IN_DOUBT,
            at=START,
            service="elevenlabs",
            title="a title",
            happened="it happened",
            meaning="its meaning",
            automatic="by itself",
            todo="your part",
            command="callagent review",
        )
    )
    [text] = written
    assert text.splitlines() == [
        "ALERT a title",
        "  happened:  it happened",
        "  meaning:   its meaning",
        "  automatic: by itself",
        "  to do:     your part",
        "  command:   callagent review",
    ]
