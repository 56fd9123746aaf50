"""One probe in hand: it takes the time and words what was found."""

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import (
    ContactError,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.health import Health, HealthStatus

_BY_ITSELF = "nothing to do here: callagent goes on without it and tries again by itself"


class Checkup:
    """Begins when it is made; ends with one of its methods."""

    def __init__(self, service: str, clock: Clock) -> None:
        self._service, self._clock, self._began_s = service, clock, clock.monotonic()

    def well(self, proved: str) -> Health:
        return self._health(HealthStatus.OK, proved)

    def warned(self, warning: str, remedy: str = "") -> Health:
        return self._health(HealthStatus.DEGRADED, warning, remedy)

    def misconfigured(self, fault: str, remedy: str) -> Health:
        return self._health(HealthStatus.MISCONFIGURED, fault, remedy)

    def down(self, fault: str, remedy: str = _BY_ITSELF) -> Health:
        return self._health(HealthStatus.DOWN, fault, remedy)

    def failed(self, error: ServiceError) -> Health:
        """What the error of a request says about the service."""
        match error:
            case ServiceRefused() | ContactError():
                return self.misconfigured(error.message, error.hint)
            case ThrottledError() | TransientError(http_status=429):
                return self.warned("reachable, but it asks us to slow down")
            case _:
                return self.down(error.message)

    def _health(self, status: HealthStatus, detail: str, remedy: str = "") -> Health:
        latency_ms = round((self._clock.monotonic() - self._began_s) * 1000, 1)
        now = self._clock.now()
        return Health(self._service, status, now, latency_ms, detail, remedy)
