"""What each column of a table means to us, for people who want to check it."""

from dataclasses import dataclass

from callagent_cli.eligibility.callback import COLUMN as CALLBACK
from callagent_cli.eligibility.whereabouts import POSTCODE_COLUMNS, STATE_COLUMNS
from callagent_cli.intake.header import Header
from callagent_cli.intake.table import Table

_FIELDS = {
    "phone": "the number to call",
    "id": "who it is, in reports and at the CRM",
    "name": "told to the agent",
    "email": "told to the agent, and asked for at the CRM",
    "language": "told to the agent",
    "timezone": "when it is day there",
    "consent": "whether a call is agreed to",
}
_VARIABLE = "told to the agent"
_PLACES = {
    CALLBACK: f"not before this time; {_VARIABLE}",
    **dict.fromkeys((*STATE_COLUMNS, *POSTCODE_COLUMNS), f"where it is; {_VARIABLE}"),
}


@dataclass(frozen=True, slots=True)
class Column:
    spelled: str  # as the table has it, cleaned
    place: str  # `3`, or `C` of a sheet
    name: str  # ours: `phone`, a variable's; empty: it is not read
    meaning: str


def columns_of(table: Table, header: Header) -> tuple[Column, ...]:
    """Every column, in the table's order."""
    named = {at: name for name, at in header.fields.items()} | dict(header.variables)
    return tuple(
        Column(spelled, table.place(at), named.get(at, ""), _meaning(header, at, named.get(at)))
        for at, spelled in enumerate(header.spelled)
    )


def _meaning(header: Header, at: int, name: str | None) -> str:
    if name is None:
        return "no header: not read"
    if header.fields.get(name) == at:
        return _FIELDS[name]
    return _PLACES.get(name, _VARIABLE)
