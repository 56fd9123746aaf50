"""`callagent config init`: the files that a campaign's folder begins with."""

import getpass
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from callagent_cli.cli.options import Common
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.starter import (
    Answers,
    config_text,
    env_text,
    read_country,
    read_days,
    read_hours,
    sample_contacts,
)
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line
from callagent_cli.reporting.new_file import write_new

_Read = TypeVar("_Read")
_KEY = "ELEVEN_API_KEY"


@dataclass(frozen=True, slots=True)
class Given:
    """What flags said; None: not said."""

    country: str | None
    hours: str | None
    days: str | None
    needs_consent: bool | None
    agent_id: str | None
    phone_number_id: str | None


def init(folder: Path, given: Given, *, is_agreed: bool, is_forced: bool, common: Common) -> int:
    terminal = Terminal.of(common)
    _refuse_taken(folder, is_forced=is_forced)
    if not is_agreed and not terminal.can_ask:
        raise InputError(
            "nobody is there to answer the questions",
            hint="add --yes for the defaults, and a flag for what differs: see --help",
        )
    answers = _from_flags(given)
    key = os.environ.get(_KEY, "").strip()
    if not is_agreed:
        answers, key = _Questions(terminal, given).ask(answers, key)
    _write(folder, answers, key, terminal, is_forced=is_forced)
    _tell_next(folder, terminal)
    return 0


def _from_flags(given: Given) -> Answers:
    answers = Answers(
        agent_id=_id("--agent-id", given.agent_id or ""),
        phone_number_id=_id("--phone-number-id", given.phone_number_id or ""),
        needs_consent=bool(given.needs_consent),
    )
    if given.country is not None:
        answers = replace(answers, country=_flag("--country", given.country, read_country))
    if given.hours is not None:
        answers = replace(answers, hours=_flag("--hours", given.hours, read_hours))
    if given.days is not None:
        answers = replace(answers, days=_flag("--days", given.days, read_days))
    return answers


def _flag(flag: str, text: str, read: Callable[[str], _Read]) -> _Read:
    try:
        return read(text)
    except ValueError as error:
        raise InputError(f"{flag} {one_line(text, 40)!r}: {error}") from None


def _id(flag: str, text: str) -> str:
    def read(text: str) -> str:
        if any(letter.isspace() or not letter.isprintable() for letter in text):
            raise ValueError("an id has no spaces: copy it from the provider's page")
        return text

    return _flag(flag, text.strip(), read)


@dataclass(frozen=True, slots=True)
class _Questions:
    """One after the other; an empty line takes the default, a wrong one is asked again."""

    terminal: Terminal
    given: Given

    def ask(self, answers: Answers, key: str) -> tuple[Answers, str]:
        self.terminal.say("An empty line takes what stands in brackets.\n")
        given = self.given
        if given.country is None:
            country = self._one("country of your numbers", answers.country, read_country)
            answers = replace(answers, country=country)
        if given.hours is None:
            shown = f"{answers.hours.start}-{answers.hours.end}"
            hours = self._one("hours in which people may be called", shown, read_hours)
            answers = replace(answers, hours=hours)
        if given.days is None:
            shown = f"{answers.days[0]}-{answers.days[-1]}"
            answers = replace(answers, days=self._one("days", shown, read_days))
        if given.needs_consent is None:
            only = self.terminal.ask("call only who says yes in a `consent` column? [y/N] ")
            answers = replace(answers, needs_consent=only)
        if given.agent_id is None:
            answers = replace(answers, agent_id=self._later("id of your ElevenLabs agent"))
        if given.phone_number_id is None:
            number = self._later("id of the number that it calls from")
            answers = replace(answers, phone_number_id=number)
        return answers, key or self._key()

    def _one(self, what: str, default: str, read: Callable[[str], _Read]) -> _Read:
        while True:
            typed = self.terminal.answer(f"{what} [{default}] ") or default
            try:
                return read(typed)
            except ValueError as error:
                self.terminal.say(f"  {error}")

    def _later(self, what: str) -> str:
        while True:
            try:
                return _id("this", self.terminal.answer(f"{what} [later] "))
            except InputError as error:
                self.terminal.say(f"  {error.message}")

    def _key(self) -> str:
        try:
            return getpass.getpass("key of ElevenLabs, unseen [later] ").strip()
        except EOFError:
            return ""


def _refuse_taken(folder: Path, *, is_forced: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder", hint="choose another --dir")
    taken = [name for name in ("config.yml", ".env") if (folder / name).exists()]
    if taken and not is_forced:
        raise InputError(
            f"{folder / taken[0]} exists already",
            hint="--force replaces it and keeps the old one beside it; or choose another --dir",
        )


def _write(
    folder: Path, answers: Answers, key: str, terminal: Terminal, *, is_forced: bool
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made: {error.strerror}", hint="choose another --dir"
        ) from None
    files = {"config.yml": config_text(answers), ".env": env_text(key)}
    for name, text in files.items():
        path = folder / name
        if is_forced and path.exists():
            terminal.say(f"kept the old one: {_set_aside(path)}")
        write_new(path, [text])
        terminal.say(f"wrote {path}")
    contacts = folder / "contacts.csv"
    if not contacts.exists():  # people's own list is never touched
        write_new(contacts, [sample_contacts()])
        terminal.say(f"wrote {contacts}: a sample; nobody has these numbers")


def _set_aside(path: Path) -> Path:
    """The old file, under the first name that is free."""
    n = 1
    while (kept := path.with_name(f"{path.name}.old{n}")).exists():
        n += 1
    try:
        path.rename(kept)
    except OSError as error:
        raise InputError(f"{path} cannot be moved: {error.strerror}") from None
    return kept


def _tell_next(folder: Path, terminal: Terminal) -> None:
    into = [] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]
    steps = (
        *into,
        "callagent contacts check contacts.csv   # is the list in order?",
        "callagent plan contacts.csv             # who would be called, when and why",
        "callagent run contacts.csv              # in the sandbox: nobody's phone rings",
    )
    terminal.say("\nnext:\n" + "\n".join(f"  {step}" for step in steps))
