"""Making the do-not-call list and its journal agree, whenever a ledger is opened.

What either of the two lacks, the other one has: a ledger was lost or restored, or a line of the
journal could not be written.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.suppression import LIST_PREFIX
from callagent_cli.ledger.list_journal import ListChange, ListJournal
from callagent_cli.ledger.schema import meta, suppressions
from callagent_cli.ledger.upsert import upsert

_KEY = "list_changes"  # in meta: how often the list was changed by hand, in calls, by wish


def agree(connection: Connection, journal: ListJournal, salt: str) -> None:
    """Inside the caller's transaction. salt: the ledger's."""
    known, journals = changes_so_far(connection), journal.salt()
    if journals is None:
        journal.create(salt, _listed_by_us(connection, known))
        return
    if journals != salt:
        raise LedgerError(
            f"{journal.path} does not belong to the ledger beside it",
            hint="put the right one back: it tells who must not be called",
        )
    changes = journal.changes()
    last = max((change.no for change in changes), default=0)
    if last > known:
        _replay(connection, (change for change in changes if change.no > known))
        set_changes(connection, last)
    elif last < known:
        journal.create(salt, _listed_by_us(connection, known))


def changes_so_far(connection: Connection) -> int:
    noted = select(meta.c.value).where(meta.c.key == _KEY)
    return int(connection.execute(noted).scalar() or 0)


def set_changes(connection: Connection, n: int) -> None:
    connection.execute(delete(meta).where(meta.c.key == _KEY))
    connection.execute(insert(meta).values(key=_KEY, value=str(n)))


def _listed_by_us(connection: Connection, n: int) -> list[ListChange]:
    """All but the imported lists."""
    ours = suppressions.c.source.not_like(f"{LIST_PREFIX}%")
    rows = connection.execute(select(suppressions).where(ours).order_by(suppressions.c.added_at))
    return [ListChange(n, row.phone_hash, row.source, row.added_at) for row in rows]


def _replay(connection: Connection, changes: Iterable[ListChange]) -> None:
    """In their order: each number ends as its last change left it."""
    for change in changes:
        hashed = suppressions.c.phone_hash == change.phone_hash
        if not change.source:
            connection.execute(delete(suppressions).where(hashed))
            continue
        texts = dict.fromkeys(("seen_in", "reason", "campaign", "added_by"), "")
        row = {"phone_hash": change.phone_hash, "source": change.source, "added_at": change.at}
        added = upsert(connection, suppressions).values(**row, **texts)
        connection.execute(added.on_conflict_do_nothing())
