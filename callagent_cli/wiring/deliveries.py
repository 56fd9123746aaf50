"""What is owed, delivered without a run."""

from collections.abc import Iterable

from callagent_cli.campaign.delivery import Deliveries
from callagent_cli.campaign.holds import HoldWatch
from callagent_cli.campaign.owing import Owing
from callagent_cli.config.settings import Settings
from callagent_cli.domain.call import Outcome, Ticket
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.event import Emit
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger
from callagent_cli.wiring.beside import guard_beside
from callagent_cli.wiring.guards import Watch
from callagent_cli.wiring.provider import Outside, outside


def build_deliveries(
    settings: Settings, outside: Outside, ledger: Ledger, emit: Emit
) -> Deliveries:
    """To everything that is enabled now; what is owed to others stays owed."""
    clock = outside.clock
    stop = clock.signal()
    fenced = guard_beside(outside.beside, settings, Watch(clock, stop, emit), stop=stop)
    breakers = [guard.breaker for guard in fenced.guards]
    HoldWatch(breakers, ledger.holds, over=stop, every_s=None).heed()
    most_tries = settings.deliveries.most_tries
    return Deliveries(fenced.routes, ledger, clock, emit, stop=stop, most_tries=most_tries)


def owed_for_call(
    settings: Settings, clock: Clock, ticket: Ticket, outcome: Outcome
) -> Iterable[Message]:
    """What the CRM is owed for a call that a person settled."""
    crm = outside(settings, clock).beside.crm
    owing = Owing(ticket.claim.campaign, "by_hand", crm_parts=crm.owes if crm else ())
    return owing.outcome(ticket, "", outcome)
