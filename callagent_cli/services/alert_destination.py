"""An alert channel as a destination of what is owed."""

from collections.abc import Sequence

from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.delivery import Delivery
from callagent_cli.services.alert_text import of_data


class AlertDestination:
    """A Destination. An alert that arrives twice harms nobody, and each has a stable key."""

    most_at_once = 1

    def __init__(self, channel: AlertChannel) -> None:
        self.name = channel.name
        self._channel = channel

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._channel.send(of_data(delivery.payload))
