"""Breakers that a person holds open: written by hand, heeded by every run."""

from datetime import datetime

from sqlalchemy import delete, select

from callagent_cli.domain.hold import Hold
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.schema import breaker_holds
from callagent_cli.ledger.upsert import upsert


class HoldBook:
    _database: Database

    def holds(self) -> list[Hold]:
        """By service. Raises LedgerError, after which calls may go on as before."""
        with self._database.aside() as connection:
            rows = connection.execute(select(breaker_holds).order_by(breaker_holds.c.service))
            return [
                Hold(row.service, row.reason, row.held_by, datetime.fromisoformat(row.since))
                for row in rows
            ]

    def hold_open(self, hold: Hold) -> None:
        """Also while a run is on; in the place of an earlier hold of the service."""
        values = {
            "service": hold.service,
            "reason": hold.reason,
            "held_by": hold.by,
            "since": stamp(hold.since),
        }
        with self._database.transaction() as connection:
            new = upsert(connection, breaker_holds)
            latest = new.on_conflict_do_update(
                index_elements=["service"],
                set_={name: new.excluded[name] for name in ("reason", "held_by", "since")},
            )
            connection.execute(latest, values)

    def lift_hold(self, service: str) -> Hold | None:
        """What was lifted; None when nobody holds it."""
        held = next((hold for hold in self.holds() if hold.service == service), None)
        with self._database.transaction() as connection:
            connection.execute(delete(breaker_holds).where(breaker_holds.c.service == service))
        return held
