"""`callagent forget PHONE`: erase a person, keep only what suppression needs."""

import json

from callagent_cli import wiring
from callagent_cli.cli.dnc import number_of
from callagent_cli.cli.options import Common
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import mask_phone
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.forgetting import Forgotten

_ELSEWHERE = (
    "not reached from here: your contacts file, backups, reports you wrote, CRM, Google sheet, and"
    " the calls kept at the voice provider"
)


def forget(phone: str, *, reason: str, is_agreed: bool, as_json: bool, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    why = one_line(reason, 200)
    number = number_of(phone, settings)
    _agree(number, terminal, is_agreed=is_agreed)
    with wiring.held_list_ledgers(settings) as ledgers:
        traces = [ledger.traces_of(number) for ledger in ledgers]  # refuses, or nothing does
        for known_by in traces:  # log and mirror first: afterwards nobody knows which lines
            wiring.erase_traces(settings, known_by)
        done = [ledger.forget(number, reason=why) for ledger in ledgers]
    wiring.tell(settings, EventName.PERSON_FORGOTTEN, **({"reason": why} if why else {}))
    _tell(number, done, settings, terminal, as_json=as_json)
    return 0


def _agree(number: str, terminal: Terminal, *, is_agreed: bool) -> None:
    if is_agreed:
        return
    if not terminal.can_ask:
        raise InputError("nobody is there to agree", hint="add --yes: it cannot be undone")
    if not terminal.ask(f"Erase {mask_phone(number)} for ever? [y/N] "):
        raise InputError("nothing was erased")


def _tell(
    number: str, done: list[Forgotten], settings: Settings, terminal: Terminal, *, as_json: bool
) -> None:
    contacts = sum(one.contacts for one in done)
    attempts = sum(one.attempts for one in done)
    undelivered = sum(one.undelivered for one in done)
    copies = [str(path) for path in wiring.old_copies(settings)]
    if as_json:
        told = {"contacts": contacts, "attempts": attempts, "undelivered": undelivered}
        terminal.result(json.dumps({**told, "older_copies": copies}))
        return
    terminal.say(
        f"{mask_phone(number)} is forgotten: {contacts} in campaigns, {attempts} calls without a"
        " name, and nobody will call them"
    )
    if undelivered:
        terminal.say(f"{undelivered} messages about them to CRM or sheet will not be delivered")
    if copies:
        named = ", ".join(copies)
        terminal.warn(f"older copies that may hold them, to be deleted by you: {named}")
    terminal.say(_ELSEWHERE)
