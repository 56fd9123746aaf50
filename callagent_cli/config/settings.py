"""Every setting: its name, its default, what is allowed, what it means. Frozen."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator as After
from pydantic import Field

from callagent_cli.config.campaign import Campaign
from callagent_cli.config.database import DatabaseUrl
from callagent_cli.config.fields import Section, positive
from callagent_cli.config.finding import Place
from callagent_cli.config.secrets import Secrets
from callagent_cli.config.services import Services
from callagent_cli.config.surroundings import Alerts, Deliveries, Sheets
from callagent_cli.config.watching import MetricsFile


class Logging(Section):
    path: Path = Field(Path("logs/app.log"), description="JSON Lines")
    max_bytes: int = Field(5_000_000, ge=10_000, description="then it is rotated")
    backups: int = Field(3, ge=0, le=100, description="rotated files that are kept")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least")


class Sandbox(Section):
    seed: int = Field(1746, description="decides how the simulated calls go")
    speed: Annotated[float, After(positive)] = Field(
        60.0, description="simulated seconds a second"
    )


class Settings(Section):
    provider: Literal["sandbox", "elevenlabs"] = Field(
        "sandbox", description="sandbox places no real call"
    )
    state_dir: Path = Field(Path(".callagent"), description="ledger, dial journal, lock")
    database_url: DatabaseUrl = None
    metrics_file: MetricsFile = None
    services: Services = Services()
    campaign: Campaign = Campaign()
    alerts: Alerts = Alerts()
    google_sheets: Sheets = Sheets()
    deliveries: Deliveries = Deliveries()
    logging: Logging = Logging()
    sandbox: Sandbox = Sandbox()
    secrets: Secrets = Field(Secrets(), exclude=True)
    source: Path | None = Field(None, exclude=True)

    def hidden(self) -> tuple[str, ...]:
        """What must not stand in anything that is written."""
        url = self.alerts.heartbeat_url
        return (*self.secrets.values(), *((url.get_secret_value(),) if url else ()))

    @property
    def place(self) -> Place:
        secret = self.secrets.callagent_database_url
        url = secret.get_secret_value() if secret else self.database_url
        return Place(self.state_dir, self.provider, url)
