"""What the ledger tells whoever watches it with numbers alone. Reads only."""

from sqlalchemy import func, select

from callagent_cli.domain.measure import ServiceMeasure
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.measure_book import measure_of
from callagent_cli.ledger.records import RunRow
from callagent_cli.ledger.report_readings import run_row
from callagent_cli.ledger.schema import IS_OPEN, attempts, runs, service_measures


class MetricReadings:
    _database: Database

    def measures_beside(self, run_id: str) -> list[ServiceMeasure]:
        """Of all other runs of every campaign."""
        kept = select(service_measures).where(service_measures.c.run_id != run_id)
        with self._database.reading() as connection:
            return [measure_of(row) for row in connection.execute(kept)]

    def open_attempts(self, campaign: str) -> dict[str, int]:
        """Attempt state → attempts that are not over."""
        counted = (
            select(attempts.c.state, func.count())
            .where(attempts.c.campaign == campaign, IS_OPEN)
            .group_by(attempts.c.state)
        )
        with self._database.reading() as connection:
            return {str(state): int(n) for state, n in connection.execute(counted)}

    def run(self, run_id: str) -> RunRow | None:
        with self._database.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
        return None if row is None else run_row(row)

    def latest_run(self, campaign: str) -> RunRow | None:
        """Of those that said how they ended."""
        ended = (
            select(runs)
            .where(runs.c.campaign == campaign, runs.c.exit_status.is_not(None))
            .order_by(runs.c.started_at.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(ended).first()
        return None if row is None else run_row(row)
