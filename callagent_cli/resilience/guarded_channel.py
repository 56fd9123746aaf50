"""An alert channel behind a guard of its own: retried, and left alone while it is down."""

from callagent_cli.domain.alert import Alert, AlertChannel
from callagent_cli.resilience.guard import Guard


class GuardedChannel:
    """An AlertChannel."""

    def __init__(self, channel: AlertChannel, guard: Guard) -> None:
        self.name = channel.name
        self._channel, self._guard = channel, guard

    def send(self, alert: Alert) -> None:
        self._guard.call(lambda: self._channel.send(alert), operation="alert")
