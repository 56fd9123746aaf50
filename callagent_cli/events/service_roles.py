"""What an outage of each service means for the campaign, in words for an alert."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """Of one service, in a campaign."""

    down: str  # what it means that it is down
    automatic: str  # what callagent does meanwhile
    still_down: str  # what it means that it stays down
    back: str  # what it means that it is back
    catches_up: str  # what callagent does then
    refused: str  # what it means that it refuses us until a person acts
    began: str = "its breaker opened"
    look_at: str = ""  # empty: its status page
    command: str = ""  # that asks for it; empty: `health`


_CHECKED = "health checks go on; when they pass, one trial decides"

LEDGER = "ledger"

VOICE = Role(
    down="no call is placed; contacts that are due are deferred, none is lost",
    automatic=f"{_CHECKED}, then calls resume",
    still_down="contacts wait; nobody is called twice, nobody is dropped",
    back="calls go on",
    catches_up="deferred contacts are called again, in their order",
    refused="nothing more is dialled until a person acts; nobody is lost",
)

_CHANNEL = Role(
    down="calls go on; alerts reach you by the other channels only",
    automatic="what it was owed is kept, and sent when it is back",
    still_down="calls go on; its alerts are kept",
    back="alerts arrive there again",
    catches_up="what it was owed is sent, in order",
    refused="calls go on; its alerts are kept until a person acts",
)

_ROLES: Mapping[str, Role] = {
    "elevenlabs": VOICE,
    "crm": Role(
        down="calls go on without what the CRM knows; outcomes are kept for it",
        automatic=f"{_CHECKED}, then the outcomes are written in their order",
        still_down="calls go on; no outcome is lost",
        back="contacts are looked up again",
        catches_up="the outcomes it was owed are written, in their order",
        refused="calls go on without it; outcomes are kept until a person acts",
    ),
    "llm": Role(
        down="calls go on with the fallback text instead of a written one",
        automatic=f"{_CHECKED}, then texts are written again",
        still_down="calls go on with the fallback text",
        back="texts are written again",
        catches_up="the next calls get their own text",
        refused="calls go on with the fallback text until a person acts",
    ),
    "sheets": Role(
        down="calls go on; rows are kept for the sheet",
        automatic=f"{_CHECKED}, then the rows are added in their order",
        still_down="calls go on; no row is lost",
        back="the sheet is up to date again soon",
        catches_up="the rows it was owed are added, in their order",
        refused="calls go on; rows are kept until a person acts",
    ),
    LEDGER: Role(
        down="no call is begun by whoever has lost it; nobody is lost, nobody is called twice",
        automatic="workers put down what they had in hand, and begin anew when it answers",
        still_down="contacts wait; nobody is called twice, nobody is dropped",
        back="calls go on",
        catches_up="calls that were on are followed; those whose answer was lost are looked up",
        refused="nothing is dialled until a person acts; nobody is lost",
        began="its server stopped answering",
        look_at="at its database server, and at the network to it",
        command="callagent status",
    ),
    "email": _CHANNEL,
    "telegram": _CHANNEL,
    "webhook": _CHANNEL,
    "apprise": _CHANNEL,
}


def role_of(service: str) -> Role:
    """A service that is not known is taken for one that every call needs."""
    return _ROLES.get(service, VOICE)
