"""What the agent is told about a contact.

Every column becomes a dynamic variable: data for the agent's template, never an instruction.
The text was cleaned and bounded at intake.
"""

from callagent_cli.domain.call import Script
from callagent_cli.domain.contact import Contact


def write_script(contact: Contact) -> Script:
    """Name the contact's fields as the file does; empty ones stay out, so that the agent's
    own defaults apply."""
    known = {"name": contact.name, "email": contact.email, "language": contact.language}
    named = {key: value for key, value in known.items() if value}
    return Script(variables={**named, **contact.variables})
