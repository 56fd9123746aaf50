"""What runs measured of the services: kept while they run, read by reports.

Invariant: nothing that is written here is needed to call, and a failure to write it stops no
call.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from callagent_cli.domain.measure import BreakerChange, ServiceMeasure
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.schema import breaker_changes, service_measures
from callagent_cli.ledger.upsert import upsert

_COUNTED = ("requests", "failures", "retries", "latency_ms", "total_ms")


class MeasureBook:
    _database: Database

    def keep_measures(
        self,
        campaign: str,
        run_id: str,
        measures: Sequence[ServiceMeasure],
        changes: Sequence[BreakerChange],
    ) -> None:
        """measures: all that the run has measured so far. changes: those since the last time.
        Raises LedgerError, after which calls may go on as before."""
        about = {"campaign": campaign, "run_id": run_id}
        with self._database.aside() as connection:
            if measures:
                new = upsert(connection, service_measures)
                latest = new.on_conflict_do_update(
                    index_elements=["run_id", "service", "operation"],
                    set_={name: new.excluded[name] for name in _COUNTED},
                )
                connection.execute(latest, [{**about, **_values(row)} for row in measures])
            if changes:
                connection.execute(
                    insert(breaker_changes),
                    [
                        {
                            **about,
                            "service": change.service,
                            "at": stamp(change.at),
                            "state": change.state,
                            "reason": change.reason,
                        }
                        for change in changes
                    ],
                )

    def service_measures(self, campaign: str) -> list[ServiceMeasure]:
        """Of every run of the campaign."""
        kept = select(service_measures).where(service_measures.c.campaign == campaign)
        with self._database.reading() as connection:
            return [measure_of(row) for row in connection.execute(kept)]

    def breaker_changes(self, campaign: str) -> list[BreakerChange]:
        """Oldest first."""
        kept = (
            select(breaker_changes)
            .where(breaker_changes.c.campaign == campaign)
            .order_by(breaker_changes.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(kept).all()
        return [
            BreakerChange(
                run_id=row.run_id,
                service=row.service,
                at=datetime.fromisoformat(row.at),
                state=row.state,
                reason=row.reason,
            )
            for row in rows
        ]


def measure_of(row: Row[Any]) -> ServiceMeasure:
    return ServiceMeasure(
        service=row.service,
        operation=row.operation,
        requests=row.requests,
        failures=row.failures,
        retries=row.retries,
        latency_ms=row.latency_ms,
        total_ms=row.total_ms,
    )


def _values(row: ServiceMeasure) -> dict[str, object]:
    return {
        "service": row.service,
        "operation": row.operation,
        "requests": row.requests,
        "failures": row.failures,
        "retries": row.retries,
        "latency_ms": dict(row.latency_ms),
        "total_ms": row.total_ms,
    }
