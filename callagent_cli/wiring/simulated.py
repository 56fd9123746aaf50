"""The services beside the call as the sandbox plays them: nothing leaves the process but the
mails, which go to a server of its own on loopback."""

from callagent_cli.campaign.owing import COLUMNS
from callagent_cli.config.services import Crm, Llm
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.delivery import Destination
from callagent_cli.services.email import EmailChannel, MailServer
from callagent_cli.services.http_session import HttpSession
from callagent_cli.services.telegram import TelegramChannel
from callagent_cli.services.webhook import WebhookChannel
from callagent_cli.simulator import sandbox as addresses
from callagent_cli.simulator.sandbox import Sandbox
from callagent_cli.simulator.transport import WorldAdapter, session_of
from callagent_cli.wiring.alert_channels import CHANNEL_TIMEOUT
from callagent_cli.wiring.beside import Beside
from callagent_cli.wiring.real_services import crm_over, csv_mirror, llm_over
from callagent_cli.wiring.sessions import http_session

_PROMPT = "Write one friendly sentence that greets the contact."
_FALLBACK = "Hello ${name}, this is a call about your appointment."
# where a rehearsal names no property: one that the outcome goes to
_WRITES = {"last_call_result": "disposition"}


def rehearsing(settings: Settings, services: frozenset[str]) -> Settings:
    """The settings with these services on, by the names that faults have for them; policies stay
    the user's own."""
    crm, llm = settings.services.crm, settings.services.llm
    beside = settings.services.model_copy(
        update={
            "crm": _rehearsed_crm(crm) if "crm" in services or crm.enabled else crm,
            "llm": _rehearsed_llm(llm) if "llm" in services or llm.enabled else llm,
        }
    )
    sheet, alerts = settings.google_sheets, settings.alerts
    is_mirrored = "sheets" in services or sheet.enabled
    on = {
        "email": alerts.email.model_copy(update={"enabled": "smtp" in services}),
        "telegram": alerts.telegram.model_copy(update={"enabled": "telegram" in services}),
        "webhook": alerts.webhook.model_copy(update={"enabled": "webhook" in services}),
    }
    return settings.model_copy(
        update={
            "services": beside,
            "google_sheets": sheet.model_copy(
                update={"enabled": is_mirrored, "backend": "google"}
            ),
            "alerts": alerts.model_copy(update=on),
        }
    )


def _rehearsed_crm(crm: Crm) -> Crm:
    """The sandbox's CRM is a HubSpot, whatever the real one is."""
    is_own = crm.enabled and crm.kind == "hubspot"
    return crm.model_copy(
        update={
            "enabled": True,
            "kind": "hubspot",
            "find_by": crm.find_by or ("phone",),
            "read": crm.read if is_own else {},
            "write": (crm.write if is_own else {}) or _WRITES,
        }
    )


def _rehearsed_llm(llm: Llm) -> Llm:
    usual = {"model": "sandbox-1", "prompt": _PROMPT, "fallback": _FALLBACK}
    missing = {} if llm.enabled else usual
    return llm.model_copy(update={"enabled": True, **missing})


def simulated_services(settings: Settings, sandbox: Sandbox, clock: Clock) -> Beside:
    """What is enabled; the alert channels only where `rehearsing` has enabled them."""
    adapter = WorldAdapter(sandbox, clock)
    bearer = {"Authorization": f"Bearer {sandbox.crm.api_key}"}
    crm, llm = settings.services.crm, settings.services.llm

    def session(service: str, url: str, headers: dict[str, str]) -> HttpSession:
        timeout = {"crm": crm.timeout, "llm": llm.timeout}.get(service, CHANNEL_TIMEOUT)
        return http_session(service, url, headers, timeout, clock, adapter)

    return Beside(
        crm=crm_over(session("crm", addresses.CRM.url, bearer), settings, clock)
        if crm.enabled
        else None,
        llm=llm_over(session("llm", f"{addresses.LLM.url}/v1", bearer), settings, clock)
        if llm.enabled
        else None,
        sheets=_sheets(sandbox, settings, clock) if settings.google_sheets.enabled else None,
        channels=_channels(settings, sandbox, clock, adapter),
    )


def _sheets(sandbox: Sandbox, settings: Settings, clock: Clock) -> Destination:
    if settings.google_sheets.backend == "csv":
        return csv_mirror(settings)  # a file of one's own is nobody else's
    from callagent_cli.services.sheets import SheetsMirror, google_client

    session = session_of(sandbox, clock)
    return SheetsMirror(
        lambda: google_client(settings.google_sheets.credentials_path, session),
        sheet_id=sandbox.sheets.sheet_id,
        worksheet=settings.google_sheets.worksheet,
        columns=COLUMNS,
        clock=clock,
    )


def _channels(
    settings: Settings, sandbox: Sandbox, clock: Clock, adapter: WorldAdapter
) -> list[AlertChannel]:
    alerts = settings.alerts
    made: list[AlertChannel] = []
    if alerts.email.enabled:
        mail = sandbox.mail()
        server = MailServer(host=mail.host, port=mail.port, security="none")
        receivers = alerts.email.to or ("ops@example.com",)
        made.append(EmailChannel(server, sender="callagent@example.com", receivers=receivers))
    if alerts.telegram.enabled:
        url = f"{addresses.TELEGRAM.url}/bot{sandbox.telegram.token}"
        session = http_session("telegram", url, {}, CHANNEL_TIMEOUT, clock, adapter)
        made.append(TelegramChannel(session, chat_id=sandbox.telegram.chat_id))
    if alerts.webhook.enabled:
        url = f"{addresses.WEBHOOK.url}/alerts"
        session = http_session("webhook", url, {}, CHANNEL_TIMEOUT, clock, adapter)
        made.append(WebhookChannel(session, secret=sandbox.webhook.secret, clock=clock))
    return made
