import io
from collections.abc import Iterable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from callagent_cli.cli.live_frame import draw
from callagent_cli.cli.live_view import as_stopping
from callagent_cli.domain.snapshot import BreakerState, InHand, RunSnapshot, ServiceSnapshot

WIDTHS = [40, 80, 110, 200]
DOWN = ServiceSnapshot(
    "elevenlabs",
    BreakerState.OPEN,
    consecutive_failures=5,
    failure_threshold=5,
    tries=1223,
    retries=3,
    last_error="503 Service Unavailable: upstream connect error",
    opened_for_s=41.0,
    next_trial_in_s=12.3,
    next_probe_in_s=4.0,
    latency_ms=87.4,
    health="down",
)
WELL = ServiceSnapshot("google_sheets", BreakerState.CLOSED, failure_threshold=5, tries=12)
RUN = RunSnapshot(
    campaign="spring",
    provider="sandbox",
    is_sandbox=True,
    contacts=140,
    totals={"completed": 40, "pending": 80, "failed": 3, "deferred": 14, "held": 3},
    dispositions={"answered": 30, "no_answer": 8},
    rate_per_min=12.34,
    eta_s=530.0,
    elapsed_s=61.2,
    cost_usd=3.2,
    waiting="elevenlabs is down: next probe in 4 s",
    in_hand=(InHand("Bob +1202*****23", "retry 2/3 in 10 s"),),
    services=(DOWN, WELL),
)


def screen(run: RunSnapshot, width: int) -> list[str]:
    """What a person sees; fails when a line is too long or carries a control character."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system=None,
        legacy_windows=False,
    )
    console.print(draw(run, width))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert all(cell_len(line) <= width for line in lines), lines
    assert all(line.isprintable() for line in lines), lines
    return lines


def find(lines: Iterable[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))


def test_frame_at_80_columns() -> None:
    assert [line.rstrip() for line in screen(RUN, 80)] == [
        "callagent  spring   SANDBOX: no real call is placed",
        "━━━━╸            43/140  31%  12.3/min  ETA 8:50  elapsed 1:01  3.20 USD",
        "answered 30 · no answer 8",
        "failed 3 · deferred 14 · held 3",
        "service        breaker   failures  tries  retries  next",
        "elevenlabs     ○ open    5/5       1223   3        probe in 4 s",
        "google_sheets  ● closed  0/5       12     0        –",
        "elevenlabs: 503 Service Unavailable: upstream connect error",
        "▸ Bob +1202*****23  retry 2/3 in 10 s",
        "waiting: elevenlabs is down: next probe in 4 s",
    ]


def test_frame_at_200_columns_has_every_figure_in_its_table() -> None:
    lines = screen(RUN, 200)
    assert find(lines, "service").split() == [
        "service", "breaker", "failures", "tries", "retries", "next", "latency", "health",
        "last", "error",
    ]  # fmt: skip
    row = find(lines, "elevenlabs")
    for part in ("probe in 4 s, trial in 12 s", "87 ms", "down", "503 Service Unavailable"):
        assert part in row
    assert sum("503" in line for line in lines) == 1


def test_who_pressed_ctrl_c_sees_what_is_waited_for_and_how_to_end_it_now() -> None:
    lines = screen(as_stopping(RUN), 80)
    assert find(lines, "waiting: ").endswith("then it stops; Ctrl-C again ends it now")


def test_a_message_that_names_its_service_is_not_named_again() -> None:
    service = replace(DOWN, last_error="elevenlabs cannot be reached")
    lines = screen(replace(RUN, services=(service,)), 80)
    assert "elevenlabs cannot be reached" in [line.strip() for line in lines]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    long = "x" * 500
    service = replace(DOWN, service=long, last_error=long)
    screen(
        replace(
            RUN,
            campaign=long,
            provider=long,
            waiting=long,
            services=(service, WELL),
            in_hand=tuple(InHand(long, long) for _ in range(9)),
            dispositions={long: 3},
        ),
        width,
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "name",
    [
        "Bob [/foo]",
        "[link=https://evil.example]here[/link]",
        "Bob\x1b[2J\x1b]0;title\x07\x9b31m",
        "Bob\u202e\u2066\u200f\u061c",
        "Bob\nwaiting: nothing\r\x00\u2028",
        "B" * 10_000,
        "\u0301" * 500,
        "\U0001f1e9\U0001f1ea" * 200,
    ],
)
def test_hostile_text_stays_text(name: str, width: int) -> None:
    service = replace(DOWN, last_error=name)
    run = replace(
        RUN, campaign=name, in_hand=(InHand(name, name),), waiting=name, services=(service,)
    )
    lines = screen(run, width)
    assert len(lines) <= 10
    if name.startswith("Bob [/foo]"):
        assert any("▸ Bob [/foo]" in line for line in lines)


def test_number_of_a_contact_without_a_name_is_masked() -> None:
    run = replace(RUN, in_hand=(InHand("+12025550123 +1202*****23", "dialling"),))
    assert "5550123" not in "".join(screen(run, 80))


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (BreakerState.CLOSED, "● closed"),
        (BreakerState.HALF_OPEN, "◐ half-open"),
        (BreakerState.OPEN, "○ open"),
        (BreakerState.FORCED_OPEN, "○ forced open"),
    ],
)
def test_state_of_the_breaker_is_readable_without_colour(state: BreakerState, word: str) -> None:
    lines = screen(replace(RUN, services=(replace(DOWN, breaker_state=state),)), 80)
    assert word in find(lines, "elevenlabs ")


def test_breaker_held_open_waits_for_a_person() -> None:
    held = replace(DOWN, breaker_state=BreakerState.FORCED_OPEN)
    assert "a person" in find(screen(replace(RUN, services=(held,)), 80), "elevenlabs ")


def test_real_campaign_names_its_provider_and_no_sandbox() -> None:
    [title, *_] = screen(replace(RUN, is_sandbox=False, provider="elevenlabs"), 80)
    assert title.rstrip() == "callagent  spring  elevenlabs"


def test_many_at_once_are_counted_not_listed() -> None:
    run = replace(RUN, in_hand=tuple(InHand(f"c{n}", "ringing") for n in range(64)))
    lines = screen(run, 80)
    assert find(lines, "▸ and").rstrip() == "▸ and 60 more"


def test_run_that_has_just_begun_shows_what_it_knows() -> None:
    lines = screen(RunSnapshot("spring", "elevenlabs", False, contacts=0), 80)
    assert "0/0  0%  elapsed 0:00" in lines[1]
