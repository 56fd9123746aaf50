"""What runs measured of the services, for reports. Reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Row, Select, TableClause, column, inspect, select, table

from callagent_cli.ledger.database import Database
from callagent_cli.ledger.records import BreakerChange, ServiceMeasure

_MEASURES = table(
    "service_measures",
    column("campaign"),
    column("service"),
    column("operation"),
    column("requests"),
    column("failures"),
    column("retries"),
    column("latency_ms", JSON),
    column("total_ms"),
)
_CHANGES = table(
    "breaker_changes",
    column("id"),
    column("campaign"),
    column("run_id"),
    column("service"),
    column("at"),
    column("state"),
    column("reason"),
)


class MeasureReadings:
    """Nothing where the ledger has no such tables."""

    _database: Database

    def service_measures(self, campaign: str) -> list[ServiceMeasure]:
        """Of every run of the campaign."""
        rows = self._rows(_MEASURES, select(_MEASURES).where(_MEASURES.c.campaign == campaign))
        return [
            ServiceMeasure(
                service=row.service,
                operation=row.operation,
                requests=row.requests,
                failures=row.failures,
                retries=row.retries,
                latency_ms=row.latency_ms or {},
                total_ms=row.total_ms,
            )
            for row in rows
        ]

    def breaker_changes(self, campaign: str) -> list[BreakerChange]:
        """Oldest first."""
        chosen = select(_CHANGES).where(_CHANGES.c.campaign == campaign)
        rows = self._rows(_CHANGES, chosen.order_by(_CHANGES.c.id))
        return [
            BreakerChange(
                run_id=row.run_id,
                service=row.service,
                at=datetime.fromisoformat(row.at),
                state=row.state,
                reason=row.reason or "",
            )
            for row in rows
        ]

    def _rows(self, of: TableClause, chosen: Select[Any]) -> Sequence[Row[Any]]:
        with self._database.reading() as connection:
            if not inspect(connection).has_table(of.name):
                return ()
            return connection.execute(chosen).all()
