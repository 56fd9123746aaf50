"""What is owed to people, kept in the ledger for the channels that are enabled."""

from collections.abc import Callable, Collection, Sequence

from callagent_cli.domain.alert import Alert, Incident
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger
from callagent_cli.services.alert_text import as_data


class LedgerAlertBook:
    """An AlertBook. nudge: told which channels are owed something new. is_on_duty: of several
    processes only one keeps the outages."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Collection[str],
        nudge: Callable[[Collection[str]], None],
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        self._is_on_duty = is_on_duty
        self._ledger, self._channels, self._nudge = ledger, tuple(channels), nudge

    def open_incidents(self) -> list[Incident]:
        return self._ledger.open_incidents()

    def keep(self, alerts: Sequence[Alert], incidents: Sequence[Incident]) -> None:
        owed = [message for alert in alerts for message in self._messages(alert)]
        if self._is_on_duty():
            self._ledger.record_incidents(incidents, owed)
        else:  # the outages are kept by whoever tells of them
            self._ledger.owe(owed)
        self._nudge({message.destination for message in owed})

    def _messages(self, alert: Alert) -> list[Message]:
        """A channel that is itself in trouble is not told so through itself."""
        told = [name for name in self._channels if name != alert.service]
        return [Message(name, alert.key, as_data(alert)) for name in told]
