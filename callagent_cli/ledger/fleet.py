"""What is shared by those who work from one ledger on a server at the same time."""

from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.crew import Crew
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.fleet_records import FleetNow
from callagent_cli.ledger.orders import Orders
from callagent_cli.ledger.queue import Queue
from callagent_cli.ledger.shared_breakers import SharedBreakers
from callagent_cli.ledger.turns import Turns


class Fleet(Orders, Crew, Turns, Queue, SharedBreakers):
    """Orders, crew, turns, queue and breakers of one ledger. Each method is one transaction."""

    def now(self) -> FleetNow:
        return FleetNow(self.open_orders(), self.members(), self.depths())

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
