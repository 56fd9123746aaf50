"""Settings that suffice for real calls, and secrets that nobody else can read."""

import stat
from collections.abc import Iterator

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Note, ok, problem, warning
from callagent_cli.config.loading import missing_for_real_calls

ROOM = "config"
_TOLD_ELSEWHERE = " is enabled, but "  # by the service's own check
_INIT = "add it, or let `callagent config init` ask for it"


def look(case: Case) -> Iterator[Note]:
    settings = case.settings
    if wiring.is_sandbox(settings):
        what = "provider: sandbox: its simulated world is checked, and no real call is placed"
        yield warning(
            ROOM, what, "for real calls set `provider: elevenlabs`, then `callagent doctor` again"
        )
    else:
        missing = missing_for_real_calls(settings)
        yield from (problem(ROOM, what, _INIT) for what in missing)
        if not missing:
            yield ok(ROOM, "key, agent and number are set")
    for what in wiring.warnings_of(settings):
        if _TOLD_ELSEWHERE not in what:
            yield warning(ROOM, what, "look at it with `callagent config show`")
    yield from _readable_by_others(case)


def _readable_by_others(case: Case) -> Iterator[Note]:
    source = case.settings.source
    if source is None:
        return
    secrets = source.parent / ".env"
    if secrets.is_file() and stat.S_IMODE(secrets.stat().st_mode) & 0o077:
        yield warning(ROOM, f"{secrets} can be read by others", f"`chmod 600 {secrets}`")
