"""The contacts read once, as a run would: who would be called, who never."""

from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext

from callagent_cli import wiring
from callagent_cli.campaign.plan import Fate, Plan, Planned, planned
from callagent_cli.checkup.case import Crowd
from callagent_cli.checkup.ledger import ledger_to_read
from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.wiring.plans import credits_needed

_LEFT_OUT = (Fate.SKIPPED, Fate.HELD)


def crowd_of(rows: Iterable[Contact | RejectedRow], settings: Settings, campaign: str) -> Crowd:
    """rows: of one iteration over the contacts. Raises InputError."""
    left_out: Counter[str] = Counter()
    with ledger_to_read(settings) or nullcontext() as ledger:
        plan = Plan(wiring.outlook_on(settings, campaign, ledger))
        for row in planned(rows, plan.outlook, ledger):
            plan.add(row)
            if isinstance(row, Planned) and row.fate in _LEFT_OUT and row.at is None:
                left_out[row.reason] += 1
    return Crowd(
        contacts=sum(plan.verdicts.values()),
        to_call=plan.to_call,
        credits=credits_needed(plan),
        left_out=left_out.total(),
        left_out_why=left_out.most_common(1)[0][0] if left_out else "",
        rejected=plan.rejected_count,
    )
