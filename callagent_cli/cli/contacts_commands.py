"""`callagent contacts …`: signatures and help only."""

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson, Contacts


def check(contacts: Contacts, as_json: AsJson = False, *, common: Common) -> int:
    """Say how contacts are understood, and what would be better.

    Looks at the file alone: no campaign, no ledger, no call. Numbers are masked.

    \b
    Examples:
      callagent contacts check examples/contacts.csv
      callagent contacts check examples/contacts.csv --json
      callagent contacts check - < examples/contacts.csv

    \b
    Exit statuses:
      0  every row is a contact, or the duplicate of one
      3  some rows are rejected: the others can be called
      2  the file or the config cannot be read
    """
    from callagent_cli.cli.contacts_check import check as look

    return look(contacts, as_json=as_json, common=common)
