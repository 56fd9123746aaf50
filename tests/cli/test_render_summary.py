import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from callagent_cli.campaign.summary import FailureCause, RunSummary
from callagent_cli.cli.render_summary import render_summary, summary_line
from callagent_cli.cli.terminal import Terminal

EVIL = "Bob [/foo]\x1b[2J\n\u202e" + "x" * 1000
SUMMARY = RunSummary(
    campaign="spring",
    run_id="run_1",
    exit_status=3,
    reason="1 contact failed technically",
    totals={"completed": 18, "failed": 1, "deferred": 5, "skipped": 0},
    dispositions={"answered": 18, "no_answer": 2},
    dialled=24,
    duration_s=1311.0,
    cost_usd=1.56,
    remaining=5,
    rejected=2,
    in_doubt=1,
    owed_to={"crm": 3, "sheets": 1},
    failures=(FailureCause("422 bad number", 1, "correct the contact"),),
    next_run="goes on with 5 contacts",
    log_path="/var/log/app.log",
    rejected_path="/data/spring.rejected.csv",
    notes=("the log could not be written",),
)


def told(
    summary: RunSummary, width: int = 80, *, is_tty: bool, is_quiet: bool = False
) -> tuple[str, str]:
    def console() -> Console:
        return Console(
            file=io.StringIO(), width=width, force_terminal=is_tty, color_system=None, markup=False
        )

    out, err = console(), console()
    render_summary(summary, Terminal(out, err, is_quiet, False))
    assert isinstance(out.file, io.StringIO)
    assert isinstance(err.file, io.StringIO)
    return out.file.getvalue(), err.file.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_terminal_shows_figures_causes_remedies_and_what_is_next(width: int) -> None:
    out, err = told(SUMMARY, width, is_tty=True)
    assert err == ""
    for part in (
        "spring: 1 contact failed technically",
        "called 24 in 22 min, 1.56 USD",
        "18 completed, 5 deferred, 1 failed",
        "18 answered, 2 no answer",
        "goes on with 5 contacts",
        "/var/log/app.log",
        "1 failed: 422 bad number: correct the contact",
        "1 in doubt, may have rung: `callagent review` lists them",
        "2 rejected rows: /data/spring.rejected.csv",
        "4 messages still owed (3 crm, 1 sheets)",
        "warning: the log could not be written",
    ):
        assert part in out
    assert all(cell_len(line) <= width for line in out.splitlines())


def test_without_a_terminal_stdout_has_one_line_and_stderr_what_needs_a_person() -> None:
    out, err = told(SUMMARY, is_tty=False)
    assert out == (
        "spring: 18 completed, 5 deferred, 1 failed; called 24 in 22 min, 1.56 USD; "
        "exit 3: 1 contact failed technically\n"
    )
    assert "correct the contact" in err
    assert "callagent review" in err


def test_quiet_says_nothing() -> None:
    for is_tty in (True, False):
        assert told(SUMMARY, is_tty=is_tty, is_quiet=True) == ("", "")


def test_sandbox_says_that_no_real_call_was_placed() -> None:
    sandbox = replace(SUMMARY, is_sandbox=True)
    assert "no real call was placed" in summary_line(sandbox)
    assert "of simulated time" in summary_line(sandbox)
    assert "no real call was placed" in told(sandbox, is_tty=True)[0]


@pytest.mark.parametrize("is_tty", [True, False])
def test_hostile_text_is_clean(is_tty: bool) -> None:
    evil = replace(
        SUMMARY,
        campaign=EVIL,
        reason=f"{EVIL} +12025550123",
        failures=(FailureCause(EVIL, 1, "mend it"),),
        notes=(EVIL,),
    )
    out, err = told(evil, is_tty=is_tty)
    text = out + err
    assert "Bob [/foo]" in text
    assert all(line.isprintable() for line in text.splitlines())
    assert "5550123" not in text
