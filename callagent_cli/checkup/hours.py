"""The calling window: it must open, for somebody, some day."""

from collections.abc import Iterator

import phonenumbers

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Note, ok, problem, warning
from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.whereabouts import whereabouts

ROOM = "calling hours"
_FIX = "change campaign.calling_window, as `callagent config show` has it"


def look(case: Case) -> Iterator[Note]:
    """With a number such as the region's: what each contact's own clock says is the plan's."""
    rules = wiring.eligibility_of(case.settings)
    if case.settings.campaign.calling_window is None:
        what = "campaign.calling_window is null: people are called at any hour"
        yield warning(ROOM, what, "set its start and end")
        return
    region = case.settings.campaign.default_region
    person = _somebody(region)
    if person is None:
        yield ok(ROOM, f"not tried: no number of {region} is known")
        return
    now = wiring.clock_of(case.settings).now()
    opens_at = rules.hours.next_opening(person, now)
    if opens_at is None:
        yield problem(ROOM, f"the calling window never opens for numbers of {region}", _FIX)
    elif opens_at <= now:
        yield ok(ROOM, f"open now for numbers such as {region}'s")
    else:
        yield ok(ROOM, f"opens {opens_at:%a %Y-%m-%d %H:%M} UTC for numbers such as {region}'s")


def _somebody(region: str) -> Contact | None:
    """A contact with a number and a zone of the region, who is nobody."""
    number = phonenumbers.example_number(region)
    if number is None:
        return None
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    person = Contact(id="example", phone=phone, line=0)
    zones = whereabouts(person).zones
    return Contact(id="example", phone=phone, line=0, timezone=zones[0].key) if zones else None
