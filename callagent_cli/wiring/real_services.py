"""The real services beside the voice provider, as the settings name them.

Imports a service's module only when it is enabled: Google's libraries alone take a second.
"""

from callagent_cli.campaign.owing import COLUMNS
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.delivery import Destination
from callagent_cli.wiring.alert_channels import plain_channels
from callagent_cli.wiring.beside import Beside

_STAND_IN = "sheets_mirror.csv"  # beside the log


def real_services(settings: Settings, clock: Clock) -> Beside:
    """What is enabled and has what it needs; what is missing is a warning at the start."""
    return Beside(sheets=_sheets(settings, clock), channels=plain_channels(settings, clock))


def _sheets(settings: Settings, clock: Clock) -> Destination | None:
    sheet = settings.google_sheets
    if not sheet.enabled:
        return None
    if sheet.backend == "csv":
        from callagent_cli.services.sheets_csv import CsvMirror

        return CsvMirror(settings.logging.path.with_name(_STAND_IN), columns=COLUMNS)
    if not sheet.sheet_id:
        return None
    from callagent_cli.services.sheets import SheetsMirror, google_client

    key = settings.secrets.google_service_account_json_path or sheet.credentials_path
    return SheetsMirror(
        lambda: google_client(key),
        sheet_id=sheet.sheet_id,
        worksheet=sheet.worksheet,
        columns=COLUMNS,
        clock=clock,
    )
