"""Commands that a person changes the ledger with: resolve, retry, backup, recover."""

from pathlib import Path
from typing import Annotated

import typer

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson, Campaign, ContactIds
from callagent_cli.domain.errors import InputError


def resolve(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="see `callagent review`")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="you; kept with the attempt")],
    called: Annotated[bool, typer.Option("--called", help="the phone rang")] = False,
    not_called: Annotated[bool, typer.Option("--not-called", help="it did not ring")] = False,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="how you know")] = "",
    *,
    common: Common,
) -> int:
    """Settle one attempt in doubt, by a named person.

    \b
    Example:
      callagent resolve ca_abc --called --by Kim --note "they said so"

    \b
    Exit statuses:
      0   settled
      2   this attempt is not in doubt
      75  a run is on
    """
    from callagent_cli.cli.review import Settlement
    from callagent_cli.cli.review import resolve as settle

    if called == not_called:  # neither, or both: the last one typed must not decide
        raise InputError("did the phone ring?", hint="add one of --called and --not-called")
    return settle(Settlement(attempt, called, by, note), common)


def retry(
    campaign: Campaign,
    failed: Annotated[bool, typer.Option("--failed", help="all that failed; the default")] = False,
    contact: ContactIds = None,
    *,
    common: Common,
) -> int:
    """Put failed contacts back in the queue; the next run calls them.

    \b
    Examples:
      callagent retry spring
      callagent retry spring --contact c7 --contact c9

    \b
    Exit statuses:
      0   back in the queue
      2   no such campaign
      75  a run is on
    """
    from callagent_cli.cli.review import retry as put_back

    del failed  # said aloud; --contact narrows it
    return put_back(campaign, ids=tuple(contact or ()), common=common)


def forget(
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="any usual spelling")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="kept; name nobody in it")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Erase a person from ledger, journal and log, for ever.

    What stays is a hash of the number on the do-not-call list, and calls without a person,
    so that nobody calls them again and reports stay right.

    \b
    Example:
      callagent forget "+1 202 555 0101" --yes

    \b
    Exit statuses:
      0   erased
      2   no phone number, not agreed, or a call to them is open or in doubt
      75  a run is on
    """
    from callagent_cli.cli.forget import forget as erase

    return erase(phone, reason=reason, is_agreed=yes, as_json=as_json, common=common)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="must not exist yet")],
    *,
    common: Common,
) -> int:
    """Write a consistent copy of the ledger, also while a run is on.

    \b
    Example:
      callagent backup monday.db

    \b
    Exit statuses:
      0  copied
      2  the copy cannot be made
    """
    from callagent_cli.cli.safekeeping import backup as copy

    return copy(file, common)


def recover(*, common: Common) -> int:
    """Make the ledger agree with its dial journal again.

    Calls that only the journal knows are taken in as in doubt: nobody is called again blindly,
    the next run looks each of them up, and `callagent review` lists what stays. Old files are
    moved aside, never deleted.

    \b
    Example:
      callagent ledger recover

    \b
    Exit statuses:
      0  in order again
      2  there is nothing to recover from
    """
    from callagent_cli.cli.safekeeping import recover as mend

    return mend(common)


def copy(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="a server's; `file`: back")],
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Move the ledger to a PostgreSQL server, or back into its file.

    Every row is read back and compared before the old one is closed for good. What was cut off
    is ended by the same command.

    \b
    Examples:
      callagent ledger copy --to postgresql://callagent@db.example.com/callagent
      callagent ledger copy --to file

    \b
    Exit statuses:
      0   moved
      2   there is nothing to move, or something is there already
      75  a run is on, or a worker
    """
    from callagent_cli.cli.safekeeping import move

    return move(to, common, as_json=as_json)
