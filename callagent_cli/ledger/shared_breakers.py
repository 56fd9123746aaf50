"""Breakers as the whole fleet knows them: one opening, one closing."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.fleet_schema import breakers

PROVEN = "proven"  # closed, and a real answer has come since: the incident is over


@dataclass(frozen=True, slots=True)
class SharedBreaker:
    service: str
    epoch: int  # grows with each change
    state: str  # open, forced_open, closed (on probation), proven
    error: str
    run_id: str  # who changed it

    @property
    def is_proven(self) -> bool:
        return self.state == PROVEN


class SharedBreakers:
    _database: Database
    _clock: Clock

    def shared_breakers(self) -> Mapping[str, SharedBreaker]:
        columns = (getattr(breakers.c, name) for name in SharedBreaker.__slots__)
        with self._database.at_a_glance() as connection:
            rows = connection.execute(select(*columns)).all()
        return {row.service: SharedBreaker(*row) for row in rows}

    def proven_services(self) -> list[str]:
        return [known.service for known in self.shared_breakers().values() if known.is_proven]

    def change_breaker(
        self, service: str, known_epoch: int, state: str, error: str, run_id: str
    ) -> int | None:
        """Say that a breaker has changed, and return its new epoch. None: somebody else has said
        something since `known_epoch`, which counts."""
        values = {"state": state, "error": error, "run_id": run_id}
        with self._database.alone() as connection:
            known = connection.execute(
                select(breakers.c.epoch).where(breakers.c.service == service)
            ).scalar()
            if (known or 0) != known_epoch:
                return None
            epoch = known_epoch + 1
            if known is None:
                connection.execute(insert(breakers).values(service=service, epoch=epoch, **values))
            else:
                this = update(breakers).where(breakers.c.service == service)
                connection.execute(this.values(epoch=epoch, **values))
            return epoch
