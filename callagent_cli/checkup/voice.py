"""The voice provider: key, scopes, agent, its variables, its number, its credits."""

from collections.abc import Iterator

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Check, Note, ok, problem, warning
from callagent_cli.config.loading import missing_for_real_calls
from callagent_cli.domain.errors import (
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.text import one_line
from callagent_cli.wiring.plans import CREDITS_PER_MINUTE

AGENT, CREDITS = "agent", "credits"
_WAIT = "wait and give `callagent doctor` again; `callagent health elevenlabs --watch` follows it"
_READ = (
    "key, region, agent and number are in order, as far as reading shows; that key (scope"
    " convai_write) and carrier let it dial shows the first call: `callagent run {} --pilot 1`"
)


def checks(case: Case) -> list[Check]:
    if not wiring.is_sandbox(case.settings) and missing_for_real_calls(case.settings):
        return []  # said by the config's check
    return [
        Check(AGENT, lambda: look_at_agent(case)),
        Check(CREDITS, lambda: look_at_credits(case)),
    ]


def look_at_agent(case: Case) -> Iterator[Note]:
    """What every call needs of the agent and its number."""
    columns = wiring.told_to_agent(case.settings, case.file.columns) if case.file else None
    try:
        with wiring.reached(case.settings, case.clock) as provider:
            findings = provider.dialer.preflight(columns)
    except ServiceError as error:
        yield _unread(error)
        return
    for finding in findings:
        tell = problem if finding.is_blocking else warning
        yield tell(AGENT, finding.what, finding.fix)
    if not any(finding.is_blocking for finding in findings):
        yield ok(AGENT, _READ.format(case.contacts_typed))
        yield ok(AGENT, "texts go to it as variables: no override of its settings is asked for")


def _unread(error: ServiceError) -> Note:
    said = one_line(error.message)
    match error:
        case ServiceRefused():
            return problem(AGENT, said, error.hint or "check ELEVEN_API_KEY and its scopes")
        case ThrottledError() | TransientError(http_status=429):
            return warning(AGENT, "reachable, but it asks us to slow down", _WAIT)
        case _:
            return problem(AGENT, said, _WAIT)


def look_at_credits(case: Case) -> Iterator[Note]:
    try:
        with wiring.reached(case.settings, case.clock) as provider:
            left = provider.dialer.credits()
    except ServiceRefused as error:
        what = f"the credits cannot be read: {one_line(error.message)}"
        yield warning(CREDITS, what, "give the key the scope user_read, or look at them yourself")
        return
    except ServiceError as error:
        yield warning(CREDITS, f"the credits cannot be read: {one_line(error.message)}", _WAIT)
        return
    if left is None:
        yield ok(CREDITS, "the account does not say how many are left")
        return
    if left.is_behind:
        what = "the account is behind with its payments: calls may be refused at any time"
        yield problem(CREDITS, what, "settle the bill at the provider")
    yield _compared(case, left.credits)


def _compared(case: Case, left: int | None) -> Note:
    if left is None:
        return ok(CREDITS, "the account has no ceiling")
    top_up = "top up at the provider, or call fewer: `callagent run … --limit N`"
    if left == 0:
        return problem(CREDITS, "no credits are left", top_up)
    if (crowd := case.crowd()) is None:
        minutes = left // CREDITS_PER_MINUTE
        return ok(CREDITS, f"{left:,} are left: about {minutes:,} minutes of talk")
    what = (
        f"{left:,} are left, and about {crowd.credits:,.0f} are needed for {crowd.to_call:,} calls"
    )
    return ok(CREDITS, what) if left >= crowd.credits else problem(CREDITS, what, top_up)
