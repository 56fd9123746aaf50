"""Which lines of the log are wanted."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from callagent_cli.domain.contact import mask_phone, mask_phones
from callagent_cli.domain.event import Level
from callagent_cli.events.jsonl import rfc3339
from callagent_cli.ledger.links import Link

Record = Mapping[str, object]

_LEVELS = tuple(Level)  # in rising order
_STAMPED = b'{"timestamp": "'  # as the log begins every line: its time can be read unparsed


@dataclass(frozen=True, slots=True)
class Person:
    """How the log may name somebody. It never has a whole number: what has no attempt is known by
    an id, or by a masked number alone."""

    contacts: frozenset[tuple[str, str]] = (
        frozenset()
    )  # campaign and id, where the id is no number
    attempts: frozenset[str] = frozenset()
    masks: frozenset[str] = frozenset()

    @classmethod
    def of(cls, name: str, links: Sequence[Link]) -> "Person":
        """name: an E.164 number, or an id; the ledger may not know it."""
        phones = {link.phone for link in links} | ({name} if name.startswith("+") else set())
        ids = {(link.campaign, link.contact_id) for link in links}
        if not links and not name.startswith("+"):
            ids = {("", name)}
        return cls(
            contacts=frozenset(pair for pair in ids if mask_phones(pair[1]) == pair[1]),
            attempts=frozenset(attempt for link in links for attempt in link.attempt_ids),
            masks=frozenset(mask_phone(phone) for phone in phones),
        )

    def names(self) -> set[str]:
        return {name for _, name in self.contacts} | self.attempts | self.masks

    def is_in(self, record: Record) -> bool | None:
        """None: perhaps, it has the same masked number."""
        if (attempt := record.get("attempt_id")) is not None:
            return attempt in self.attempts or self._has_id(record)
        if self._has_id(record):
            return True
        masked = {record.get("contact_id"), record.get("phone")}
        has_own_id = mask_phones(str(record.get("contact_id", ""))) not in self.masks and (
            "*" not in str(record.get("contact_id", "*"))
        )
        return None if self.masks & masked and not has_own_id else False

    def _has_id(self, record: Record) -> bool:
        contact_id = record.get("contact_id")
        return any(
            contact_id == own and campaign in ("", record.get("campaign"))
            for campaign, own in self.contacts
        )


@dataclass(slots=True)
class Filter:
    """since, until: aware. events: of them any; likewise services. Counts what it met."""

    campaign: str | None = None
    run_id: str | None = None
    events: Collection[str] = ()
    services: Collection[str] = ()
    level: Level = Level.DEBUG
    since: datetime | None = None
    until: datetime | None = None
    person: Person | None = None
    broken: int = 0  # lines that are none
    perhaps: int = 0  # lines about somebody with the same masked number
    _needles: tuple[frozenset[bytes], ...] = field(init=False)
    _earliest: bytes = field(init=False)

    def __post_init__(self) -> None:
        wanted = [
            {self.campaign} if self.campaign else (),
            {self.run_id} if self.run_id else (),
            self.events,
            self.services,
            self.person.names() if self.person else (),
        ]
        self._needles = tuple(
            frozenset(json.dumps(name).encode() for name in names) for names in wanted if names
        )

        self._earliest = _STAMPED + rfc3339(self.since).encode() if self.since else b""

    def wanted(self, line: bytes) -> Record | None:
        """The line's record if it is wanted. Most lines are passed over without being parsed."""
        if not line.strip():
            return None
        is_whole = line.startswith(b"{") and line.rstrip().endswith(b"}")
        if is_whole and not self._may_be(line):
            return None
        record = _parsed(line) if is_whole else None
        if record is None:
            self.broken += 1
            return None
        return record if self._is(record) else None

    def _may_be(self, line: bytes) -> bool:
        if line.startswith(_STAMPED) and line < self._earliest:
            return False
        return all(any(needle in line for needle in needles) for needles in self._needles)

    def _is(self, record: Record) -> bool:
        return (
            self.campaign in (None, record.get("campaign"))
            and self.run_id in (None, record.get("run_id"))
            and (not self.events or record.get("event") in self.events)
            and (not self.services or _of_service(record) & set(self.services) != set())
            and _LEVELS.index(self.level) <= _rank(record)
            and self._is_in_time(record)
            and self._is_of_person(record)
        )

    def _is_in_time(self, record: Record) -> bool:
        if self.since is None and self.until is None:
            return True
        at = time_of(record)
        if at is None:
            return False
        return (self.since is None or at >= self.since) and (
            self.until is None or at <= self.until
        )

    def _is_of_person(self, record: Record) -> bool:
        if self.person is None:
            return True
        is_in = self.person.is_in(record)
        self.perhaps += is_in is None
        return is_in is not False


def time_of(record: Record) -> datetime | None:
    try:
        return datetime.fromisoformat(str(record["timestamp"]))
    except (KeyError, ValueError):
        return None


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "event" in record else None


def _of_service(record: Record) -> set[object]:
    """Alert channels are services, too."""
    return {record.get("service"), record.get("channel")}


def _rank(record: Record) -> int:
    level = record.get("level")
    return _LEVELS.index(Level(str(level))) if level in _LEVELS else len(_LEVELS)
