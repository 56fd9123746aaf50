"""By which names the log knows a person. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select

from callagent_cli.ledger.database import Database
from callagent_cli.ledger.schema import attempts, campaigns, contacts


@dataclass(frozen=True, slots=True)
class Link:
    """A contact of a campaign."""

    campaign: str
    contact_id: str
    phone: str
    attempt_ids: frozenset[str]


class Links:
    _database: Database

    def links_of(self, name: str) -> list[Link]:
        """In every campaign. name: an E.164 number, or a contact's id."""
        with self._database.reading() as connection:
            names = connection.scalars(select(campaigns.c.campaign)).all()
        return [link for campaign in names for link in self._links(campaign, name)]

    def _links(self, campaign: str, name: str) -> Iterator[Link]:
        theirs = or_(contacts.c.phone == name, contacts.c.id == name)
        found = select(contacts.c.id, contacts.c.phone).where(
            contacts.c.campaign == campaign, theirs
        )
        with self._database.reading() as connection:
            for contact_id, phone in connection.execute(found).all():
                calls = select(attempts.c.attempt_id).where(
                    attempts.c.campaign == campaign, attempts.c.phone == phone
                )
                yield Link(campaign, contact_id, phone, frozenset(connection.scalars(calls)))
