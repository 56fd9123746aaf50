"""Who is asked for `callagent health`: every service, also what is off or lacks something."""

from collections.abc import Iterator

from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock, SystemClock
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.domain.ports import Prober
from callagent_cli.wiring.alert_channels import channel_setups
from callagent_cli.wiring.provider import outside
from callagent_cli.wiring.real_services import real_services


class Settled:
    """A Prober of what needs no request to be known."""

    def __init__(
        self, service: str, status: HealthStatus, clock: Clock, detail: str = "", remedy: str = ""
    ) -> None:
        self.service = service
        self._status, self._clock, self._detail, self._remedy = status, clock, detail, remedy

    def probe(self) -> Health:
        now = self._clock.now()
        return Health(self.service, self._status, now, detail=self._detail, remedy=self._remedy)


def probers(settings: Settings, clock: Clock | None = None) -> list[Prober]:
    """The voice provider as the run has it; everything else as it really is, for a rehearsal
    in the sandbox says nothing about it."""
    clock = clock or SystemClock()
    return [
        outside(settings, clock).dialer,
        *_services(settings, clock),
        *_channels(settings, clock),
    ]


def _services(settings: Settings, clock: Clock) -> Iterator[Prober]:
    beside = real_services(settings, clock)
    wanted = {
        "crm": (settings.services.crm.enabled, beside.crm, "CRM_API_KEY"),
        "llm": (settings.services.llm.enabled, beside.llm, "LLM_API_KEY"),
        "sheets": (settings.google_sheets.enabled, beside.sheets, "google_sheets.sheet_id"),
    }
    for service, (is_enabled, made, needs) in wanted.items():
        if not is_enabled:
            yield Settled(service, HealthStatus.DISABLED, clock)
        elif isinstance(made, Prober):
            yield made
        elif made is not None:
            yield Settled(service, HealthStatus.OK, clock, "a file beside the log")
        else:
            yield _lacking(service, needs, clock)


def _channels(settings: Settings, clock: Clock) -> Iterator[Prober]:
    for setup in channel_setups(settings, clock):
        if not setup.is_enabled:
            yield Settled(setup.name, HealthStatus.DISABLED, clock)
        elif setup.lacks:
            yield _lacking(setup.name, setup.lacks, clock)
        elif setup.prober is None:
            unproven = "not checked: try `callagent alerts test`"
            yield Settled(setup.name, HealthStatus.OK, clock, unproven)
        else:
            yield setup.prober()


def _lacking(service: str, needs: str, clock: Clock) -> Settled:
    fault, remedy = f"{needs} is missing", f"set {needs}, or disable {service}"
    return Settled(service, HealthStatus.MISCONFIGURED, clock, fault, remedy)
