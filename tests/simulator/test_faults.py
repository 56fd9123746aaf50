"""The fault plan: what `--fail` means, and which request meets which fault."""

import pytest

from callagent_cli.domain.errors import InputError
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan, parse_fault

K = FaultKind


def met(
    plan: FaultPlan, now_s: float = 0.0, dial_no: int | None = None, request_no: int = 1
) -> FaultKind | None:
    return plan.meets("elevenlabs", now_s, dial_no=dial_no, request_no=request_no)


@pytest.mark.parametrize(
    ("text", "kind", "from_s", "to_s"),
    [
        ("elevenlabs:503@60-155", K.UNAVAILABLE, 60, 155),
        ("elevenlabs@60-155", K.UNAVAILABLE, 60, 155),
        ("elevenlabs:timeout@120", K.TIMEOUT, 120, None),
        ("elevenlabs:429@2m-5m", K.BUSY, 120, 300),
        ("ElevenLabs : 401 @ 1.5s - 1h", K.CREDENTIALS, 1.5, 3600),
    ],
)
def test_times_of_a_fault_are_read(
    text: str, kind: FaultKind, from_s: float, to_s: float | None
) -> None:
    fault = parse_fault(text)
    assert (fault.service, fault.kind) == ("elevenlabs", kind)
    assert (fault.from_s, fault.to_s, fault.from_dial) == (from_s, to_s, None)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_has_a_name_that_can_be_typed(kind: FaultKind) -> None:
    assert parse_fault(f"elevenlabs:{kind.value}").kind is kind
    assert parse_fault(f"elevenlabs:{kind.value}@1-2").kind is kind


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("elevenlab", "did you mean elevenlabs?"),
        ("twitter", "known: elevenlabs"),
        ("elevenlabs:timeot", "did you mean timeout?"),
        ("elevenlabs:reset_after", "did you mean reset-after?"),
        ("elevenlabs:504", "did you mean 503?"),
        ("elevenlabs:503@soon", "for example"),
        ("elevenlabs:503@155-60", "for example"),
        ("elevenlabs:503@60-60", "for example"),
        ("elevenlabs:503@-60", "for example"),
        ("elevenlabs:503@", "for example"),
        ("", "for example"),
        (":503", "for example"),
        ("elevenlabs:503:429", "did you mean 503?"),
    ],
)
def test_fault_that_is_not_one_is_refused_with_a_way_out(text: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_fault(text)
    assert hint in refused.value.hint


def test_fault_without_times_begins_with_the_fifth_dial_and_lasts_95_seconds() -> None:
    plan = FaultPlan([parse_fault("elevenlabs")])
    assert [met(plan, 100.0 * n, dial_no=n) for n in (1, 2, 3, 4)] == [None] * 4
    assert met(plan, 499.9) is None, "reading a call that runs is not hit before"
    assert met(plan, 500.0, dial_no=5) is K.UNAVAILABLE
    assert met(plan, 500.0) is K.UNAVAILABLE, "nor is any request spared after"
    assert met(plan, 594.9, dial_no=6) is K.UNAVAILABLE
    assert met(plan, 595.0, dial_no=7) is None


@pytest.mark.parametrize("kind", ["timeout", "reset-after", "garbage"])
def test_lost_answer_without_times_hits_one_dial(kind: str) -> None:
    plan = FaultPlan([parse_fault(f"elevenlabs:{kind}")])
    hits = [met(plan, 1.0 * n, dial_no=n) for n in range(1, 8)]
    assert hits == [None] * 4 + [FaultKind(kind)] + [None] * 2
    assert met(plan, 5.0) is None


@pytest.mark.parametrize("kind", ["401", "quota"])
def test_refusal_without_times_lasts_for_good(kind: str) -> None:
    plan = FaultPlan([parse_fault(f"elevenlabs:{kind}")])
    assert met(plan, 4.0, dial_no=4) is None
    assert met(plan, 5.0, dial_no=5) is FaultKind(kind)
    assert met(plan, 1e6) is FaultKind(kind)


def test_end_of_a_fault_is_no_part_of_it() -> None:
    plan = FaultPlan([Fault("elevenlabs", K.BUSY, 60, 155)])
    assert [met(plan, at_s) for at_s in (59.9, 60, 154.9, 155)] == [None, K.BUSY, K.BUSY, None]


def test_fault_by_request_meets_those_requests() -> None:
    plan = FaultPlan([Fault("elevenlabs", K.UNAVAILABLE, from_request=2, to_request=3)])
    hits = [met(plan, request_no=n) for n in (1, 2, 3, 4)]
    assert hits == [None, K.UNAVAILABLE, K.UNAVAILABLE, None]


def test_first_fault_that_applies_wins_and_others_services_are_left_alone() -> None:
    plan = FaultPlan(
        [
            Fault("telegram", K.CREDENTIALS),
            Fault("elevenlabs", K.BUSY, 10, 20),
            Fault("elevenlabs", K.UNAVAILABLE, 0, 30),
        ]
    )
    assert [met(plan, at_s) for at_s in (5, 15, 25, 35)] == [
        K.UNAVAILABLE,
        K.BUSY,
        K.UNAVAILABLE,
        None,
    ]


def test_empty_plan_harms_nobody() -> None:
    assert met(FaultPlan(), dial_no=5) is None
