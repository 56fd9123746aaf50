"""Everything that is known of one number, and what the next run would do with it.

Called by: `callagent why`. Reads only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from callagent_cli.campaign.plan import Outlook, Planned, planned_alone
from callagent_cli.domain.contact import Contact, mask_phone, mask_phones
from callagent_cli.domain.suppression import Suppression
from callagent_cli.eligibility.decision import Ruling, rulings
from callagent_cli.ledger.outbox import OwedMessage
from callagent_cli.ledger.records import AttemptRow, Candidate, ContactRow, Standing
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.figures import Json, as_json, rfc3339

_NO_CAMPAIGN = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one campaign knows."""

    campaign: str  # empty: no campaign knows the number
    row: ContactRow | None
    planned: Planned  # what a run that begins now would do
    rulings: tuple[Ruling, ...]  # each rule alone, at this moment
    messages: tuple[OwedMessage, ...]  # about its attempts, to CRM and sheet


@dataclass(frozen=True, slots=True)
class Dossier:
    phone: str
    suppressions: tuple[Suppression, ...]
    chapters: tuple[Chapter, ...]  # at least one

    @property
    def is_known(self) -> bool:
        return bool(self.chapters[0].campaign)

    @property
    def masked(self) -> str:
        return mask_phone(self.phone)

    def to_json(self, *, show_pii: bool) -> dict[str, Json]:
        def seen(text: str) -> str:
            return text if show_pii else mask_phones(text)

        return {
            "phone": self.phone if show_pii else self.masked,
            "do_not_call": [_suppression(one) for one in self.suppressions],
            "campaigns": [_chapter(one, seen) for one in self.chapters if one.campaign],
            "rules": None if self.is_known else _rules(self.chapters[0]),
        }


def read_dossier(
    ledger: Ledger | None, phone: str, outlook_of: Callable[[str], Outlook]
) -> Dossier:
    """outlook_of: what a run of a campaign looks out from. ledger: None where none has run."""
    if ledger is None:
        return Dossier(phone, (), (_unknown(Candidate(_bare(phone), 0, None), outlook_of),))
    chapters = tuple(_chapters(ledger, phone, outlook_of))
    if not chapters:
        standing = ledger.standings(_NO_CAMPAIGN, [_bare(phone)])[0]
        chapters = (_unknown(standing.candidate, outlook_of),)
    return Dossier(phone, tuple(ledger.suppressions_of(phone)), chapters)


def _bare(phone: str) -> Contact:
    return Contact(id=phone, phone=phone)


def _unknown(candidate: Candidate, outlook_of: Callable[[str], Outlook]) -> Chapter:
    return _chapter_of(_NO_CAMPAIGN, None, Standing(candidate), outlook_of(_NO_CAMPAIGN), ())


def _chapters(
    ledger: Ledger, phone: str, outlook_of: Callable[[str], Outlook]
) -> Iterator[Chapter]:
    for campaign in ledger.campaign_names():
        row, standing = ledger.contact_row(campaign, phone), ledger.standing(campaign, phone)
        if row is not None and standing is not None:
            owed = [one for made in row.attempts for one in ledger.messages_of(made.attempt_id)]
            yield _chapter_of(campaign, row, standing, outlook_of(campaign), owed)


def _chapter_of(
    campaign: str,
    row: ContactRow | None,
    standing: Standing,
    outlook: Outlook,
    owed: Sequence[OwedMessage],
) -> Chapter:
    asked = rulings(standing.candidate, outlook.rules, outlook.now)
    return Chapter(campaign, row, planned_alone(standing, outlook), tuple(asked), tuple(owed))


def _suppression(one: Suppression) -> dict[str, Json]:
    return {
        "source": one.source,
        "added_at": rfc3339(one.added_at),
        "reason": one.reason,
        "campaign": one.campaign,
        "by": one.by,
    }


def _chapter(chapter: Chapter, seen: Callable[[str], str]) -> dict[str, Json]:
    row, planned = chapter.row, chapter.planned
    if row is None:
        return {}
    return {
        "campaign": chapter.campaign,
        "id": seen(row.contact.id),
        "name": row.contact.name,
        "line": row.contact.line,
        "state": row.state,
        "reason": seen(row.reason),
        "next_at": rfc3339(row.next_at) if row.next_at else None,
        "next_run": {
            "verdict": planned.fate.value,
            "reason": seen(planned.reason),
            "at": rfc3339(planned.at) if planned.at else None,
        },
        "rules": _rules(chapter),
        "attempts": [_attempt(one, seen) for one in row.attempts],
        "messages": [as_json(one.to_json()) for one in chapter.messages],
    }


def _rules(chapter: Chapter) -> list[Json]:
    return [
        {
            "rule": ruling.rule,
            "refuses": ruling.refusal.reason if ruling.refusal else None,
            "evidence": as_json(ruling.evidence),
        }
        for ruling in chapter.rulings
    ]


def _attempt(row: AttemptRow, seen: Callable[[str], str]) -> dict[str, Json]:
    told = as_json(row)
    assert isinstance(told, dict)  # noqa: S101 - a dataclass is an object
    said = {name: seen(str(value)) for name, value in row.collected.items()}
    texts = {"summary": seen(row.summary), "error": seen(row.error) if row.error else None}
    return {**told, **texts, "collected": as_json(said)}
