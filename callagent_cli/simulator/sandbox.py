"""The whole sandbox: the voice provider's world and every service around the call, on one clock,
with one seed and one fault plan.

A request goes to a service by its host, or, where all share one (on a loopback port), by the
first word of its path; everything else is the voice provider's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit, urlunsplit

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator.chat_completions import ChatCompletions
from callagent_cli.simulator.exchange import WorldAnswer, WorldRequest
from callagent_cli.simulator.faults import FaultPlan
from callagent_cli.simulator.google_sheets import GoogleSheets
from callagent_cli.simulator.hubspot import HubSpot
from callagent_cli.simulator.reception import Reception
from callagent_cli.simulator.telegram import Telegram
from callagent_cli.simulator.webhook import Webhook
from callagent_cli.simulator.world import World

if TYPE_CHECKING:
    from callagent_cli.simulator.mail import SmtpServer

_DOMAIN = "sandbox.invalid"  # never leaves the process


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    prefix: str  # of the path, where all share one host

    @property
    def url(self) -> str:
        return f"https://{self.host}"


VOICE_URL = f"https://{_DOMAIN}"
CRM = Address(f"crm.{_DOMAIN}", "hubspot")
LLM = Address(f"llm.{_DOMAIN}", "llm")
TELEGRAM = Address(f"telegram.{_DOMAIN}", "telegram")
WEBHOOK = Address(f"webhook.{_DOMAIN}", "webhook")
SHEETS = Address("sheets.googleapis.com", "sheets")  # gspread knows no other


class _Service(Protocol):
    reception: Reception

    def handle(self, request: WorldRequest) -> WorldAnswer: ...


class Sandbox:
    """seed, faults: of all services, times from now on. latency_s: of the voice provider.
    crm_properties: custom properties of the CRM's contacts. worksheet: the sheet's tab.

    An `exchange.Answering`: one WorldAdapter on every session serves all.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int,
        faults: FaultPlan | None = None,
        latency_s: float = 0.0,
        crm_properties: Collection[str] = (),
        worksheet: str = "callagent",
    ) -> None:
        self.clock = clock
        self._faults = faults or FaultPlan()
        self.voice = World(clock, seed=seed, faults=self._faults, latency_s=latency_s)
        self.crm = HubSpot(self._reception("crm"), seed=seed, properties=crm_properties)
        self.llm = ChatCompletions(self._reception("llm"), seed=seed)
        self.telegram = Telegram(self._reception("telegram"))
        self.webhook = Webhook(self._reception("webhook"))
        self.sheets = GoogleSheets(self._reception("sheets"), worksheet=worksheet)
        self._mail_reception = self._reception("smtp")
        self._mail: SmtpServer | None = None
        self._services: Mapping[Address, _Service] = {
            CRM: self.crm,
            LLM: self.llm,
            TELEGRAM: self.telegram,
            WEBHOOK: self.webhook,
            SHEETS: self.sheets,
        }

    def mail(self) -> "SmtpServer":
        """The mail server; started when it is first asked for, for it takes a port and a
        thread. `close` ends it."""
        if self._mail is None:
            from callagent_cli.simulator.mail import SmtpServer

            self._mail = SmtpServer(self._mail_reception)
        return self._mail

    def close(self) -> None:
        """End the mail server, if there is one. What it took stays."""
        if self._mail is not None:
            self._mail.close()

    @property
    def receptions(self) -> Sequence[Reception]:
        """Of the services around the call."""
        there = (service.reception for service in self._services.values())
        return (*there, self._mail_reception)

    def handle(self, request: WorldRequest) -> WorldAnswer:
        """Answer one request; raises AnswerLost where the fault plan says so."""
        url = urlsplit(request.url)
        host = url.hostname or _host_of(request.headers)
        first, _, rest = url.path.lstrip("/").partition("/")
        for address, service in self._services.items():
            if host == address.host:
                return service.handle(request)
            if not url.hostname and first == address.prefix:
                own = urlunsplit(url._replace(path=f"/{rest}"))
                return service.handle(replace(request, url=own))
        return self.voice.handle(request)

    def _reception(self, service: str) -> Reception:
        return Reception(service, self.clock, self._faults)


def _host_of(headers: Mapping[str, str]) -> str:
    named = next((value for name, value in headers.items() if name.lower() == "host"), "")
    return named.partition(":")[0].lower()
