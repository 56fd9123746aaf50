"""What the agent is told about a contact.

Every column becomes a dynamic variable: data for the agent's template, never an instruction.
The text was cleaned and bounded at intake.
"""

from callagent_cli.domain.call import Script
from callagent_cli.domain.contact import Contact


def write_script(contact: Contact) -> Script:
    """Name the contact's fields as the file does. Empty cells are sent as empty text: a variable
    without any value would fail the call after the phone was dialled."""
    known = {"name": contact.name, "email": contact.email, "language": contact.language}
    named = {key: value for key, value in known.items() if value}
    return Script(variables={**named, **contact.variables})
