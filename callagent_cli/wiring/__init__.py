"""Settings become live objects here, and nowhere else.

Called by: the commands. Invariant: nothing is dialled, probed or written by building.
"""

from callagent_cli.wiring.alert_channels import plain_channels
from callagent_cli.wiring.contacts import needs_of, open_contacts, told_to_agent
from callagent_cli.wiring.deliveries import build_deliveries, owed_for_call
from callagent_cli.wiring.guards import retry_policy
from callagent_cli.wiring.ledgers import (
    erase_traces,
    held_ledger,
    held_list_ledgers,
    known_campaign,
    list_ledgers,
    list_problems_of,
    log_of,
    logged_campaigns,
    move_ledger,
    old_copies,
    open_ledger,
    read_ledger,
    read_ledger_if_any,
    recover_ledger,
    tell,
)
from callagent_cli.wiring.plans import outlook_of, outlook_on, plan_warnings
from callagent_cli.wiring.policies import eligibility_of, limits_of
from callagent_cli.wiring.probers import probers
from callagent_cli.wiring.provider import Outside, clock_of, outside, reached
from callagent_cli.wiring.session import Wish, build_session
from callagent_cli.wiring.settings_in_force import (
    check_ready,
    is_sandbox,
    is_shared,
    settings_of,
    warnings_of,
)
from callagent_cli.wiring.simulated import rehearsing
from callagent_cli.wiring.watching import heartbeat_of

__all__ = [
    "Outside",
    "Wish",
    "build_deliveries",
    "build_session",
    "check_ready",
    "clock_of",
    "eligibility_of",
    "erase_traces",
    "heartbeat_of",
    "held_ledger",
    "held_list_ledgers",
    "is_sandbox",
    "is_shared",
    "known_campaign",
    "limits_of",
    "list_ledgers",
    "list_problems_of",
    "log_of",
    "logged_campaigns",
    "move_ledger",
    "needs_of",
    "old_copies",
    "open_contacts",
    "open_ledger",
    "outlook_of",
    "outlook_on",
    "outside",
    "owed_for_call",
    "plain_channels",
    "plan_warnings",
    "probers",
    "reached",
    "read_ledger",
    "read_ledger_if_any",
    "recover_ledger",
    "rehearsing",
    "retry_policy",
    "settings_of",
    "tell",
    "told_to_agent",
    "warnings_of",
]
