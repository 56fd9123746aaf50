"""The real services beside the voice provider, as the settings name them.

Imports a service's module only when it is enabled: Google's libraries alone take a second.
"""

from callagent_cli.campaign.owing import COLUMNS
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.delivery import Destination
from callagent_cli.services.http_session import HttpSession
from callagent_cli.wiring.alert_channels import plain_channels
from callagent_cli.wiring.beside import Beside, CrmService, LlmService
from callagent_cli.wiring.sessions import http_session, revealed
from callagent_cli.wiring.settings_in_force import mirror_path


def real_services(settings: Settings, clock: Clock) -> Beside:
    """What is enabled and has what it needs; what is missing is a warning at the start."""
    return Beside(
        crm=_crm(settings, clock),
        llm=_llm(settings, clock),
        sheets=_sheets(settings, clock),
        channels=plain_channels(settings, clock),
    )


def _crm(settings: Settings, clock: Clock) -> CrmService | None:
    crm, key = settings.services.crm, revealed(settings.secrets.crm_api_key)
    if not crm.enabled or not key:
        return None
    headers = {crm.key_header: key} if crm.key_header else {"Authorization": f"Bearer {key}"}
    session = http_session("crm", crm.base_url, headers, crm.timeout, clock)
    return crm_over(session, settings, clock)


def crm_over(session: HttpSession, settings: Settings, clock: Clock) -> CrmService:
    """The kind of CRM that the settings name, asked through `session`."""
    crm = settings.services.crm
    if crm.kind == "http":
        from callagent_cli.services.crm_http import HttpCrm

        return HttpCrm(
            session,
            clock=clock,
            find_path=crm.find_path,
            find_variables=crm.read,
            id_path=crm.id_path,
            report_path=crm.report_path,
            report_body=crm.report_body,
            health_path=crm.health_path,
            secret=revealed(settings.secrets.webhook_secret),
        )
    from callagent_cli.services.crm_hubspot import HubSpot

    return HubSpot(
        session,
        clock=clock,
        api_version=crm.api_version,
        find_by=crm.find_by,
        id_property=crm.id_property,
        read=crm.read,
        write=crm.write,
        default_region=settings.campaign.default_region,
        log_call=crm.log_call,
    )


def _llm(settings: Settings, clock: Clock) -> LlmService | None:
    llm, key = settings.services.llm, revealed(settings.secrets.llm_api_key)
    if not llm.enabled or not key:
        return None
    headers = {"Authorization": f"Bearer {key}"}
    session = http_session("llm", llm.base_url, headers, llm.timeout, clock)
    return llm_over(session, settings, clock)


def llm_over(session: HttpSession, settings: Settings, clock: Clock) -> LlmService:
    """The writer that the settings describe, asked through `session`."""
    from callagent_cli.services.llm import ChatCompletions

    llm = settings.services.llm
    return ChatCompletions(
        session,
        model=llm.model or "",
        prompt=llm.prompt or "",
        variables=llm.variables,
        max_chars=llm.max_chars,
        max_tokens=llm.max_tokens,
        token_limit_name=llm.token_limit,
        temperature=llm.temperature,
        price_in_usd_per_million=llm.price.input,
        price_out_usd_per_million=llm.price.output,
        clock=clock,
    )


def _sheets(settings: Settings, clock: Clock) -> Destination | None:
    sheet = settings.google_sheets
    if not sheet.enabled:
        return None
    if sheet.backend == "csv":
        return csv_mirror(settings)
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


def csv_mirror(settings: Settings) -> Destination:
    from callagent_cli.services.sheets_csv import CsvMirror

    return CsvMirror(mirror_path(settings), columns=COLUMNS)
