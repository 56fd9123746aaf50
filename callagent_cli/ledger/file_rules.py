"""The rules of `schema`: what they say, and as triggers of SQLite. For those of PostgreSQL see
`server_rules`."""

from sqlalchemy import Connection

from callagent_cli.domain.call import LEGAL_MOVES, AttemptState
from callagent_cli.domain.contact import FORGOTTEN
from callagent_cli.ledger.schema import FORGETTING, WAITING


def _moves() -> str:
    legal = []
    for before, after in LEGAL_MOVES.items():
        states = ", ".join(f"'{state}'" for state in sorted(after))
        if states:
            legal.append(f"(OLD.state = '{before}' AND NEW.state IN ({states}))")
    return " OR ".join(legal)


MOVES = _moves()
ENDED = ", ".join(
    f"'{state}'" for state in (AttemptState.COMPLETED, AttemptState.REFUSED, AttemptState.RELEASED)
)

IS_FORGOTTEN = f"""
      NEW.state = OLD.state AND NEW.attempt_id = OLD.attempt_id AND NEW.campaign = OLD.campaign
      AND NEW.attempt_no = OLD.attempt_no AND NEW.disposition IS OLD.disposition
      AND NEW.cost_usd IS OLD.cost_usd AND NEW.duration_s IS OLD.duration_s
      AND NEW.started_at IS OLD.started_at AND NEW.ended_at IS OLD.ended_at
      AND NEW.phone LIKE '{FORGOTTEN}%' AND EXISTS (SELECT 1 FROM meta WHERE key = '{FORGETTING}')
""".strip()


def _counted(row: str, by: int) -> str:
    """SQL: one contact more or fewer where `row` (NEW or OLD) stands."""
    return f"""INSERT INTO contact_counts (campaign, state, contacts)
      VALUES ({row}.campaign, {row}.state, {by})
      ON CONFLICT (campaign, state) DO UPDATE SET contacts = contacts + ({by});"""


_CALL_COUNTED = """INSERT INTO call_counts
        (campaign, disposition, attempts, priced, cost_usd, latest_end_at)
      VALUES (NEW.campaign, coalesce(NEW.disposition, ''), 1, NEW.cost_usd IS NOT NULL,
        coalesce(NEW.cost_usd, 0.0), coalesce(NEW.ended_at, ''))
      ON CONFLICT (campaign, disposition) DO UPDATE SET
        attempts = attempts + 1, priced = priced + excluded.priced,
        cost_usd = cost_usd + excluded.cost_usd,
        latest_end_at = max(latest_end_at, excluded.latest_end_at);"""

# A new attempt is `claimed`; only the recovery from a journal inserts `unknown`.
TRIGGERS = (
    f"""
    CREATE TRIGGER attempts_begin_claimed BEFORE INSERT ON attempts
    WHEN NEW.state NOT IN ('{AttemptState.CLAIMED}', '{AttemptState.UNKNOWN}')
    BEGIN SELECT RAISE(ABORT, 'an attempt begins claimed'); END
    """,
    f"""
    CREATE TRIGGER attempts_move_legally BEFORE UPDATE OF state ON attempts
    WHEN OLD.state <> NEW.state AND NOT ({MOVES})
    BEGIN SELECT RAISE(ABORT, 'no such move of an attempt'); END
    """,
    f"""
    CREATE TRIGGER attempts_end_once BEFORE UPDATE ON attempts
    WHEN OLD.state IN ({ENDED}) AND NOT ({IS_FORGOTTEN})
    BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END
    """,
    f"""
    CREATE TRIGGER attempts_keep_identity BEFORE UPDATE OF attempt_id, campaign, phone ON attempts
    WHEN (OLD.attempt_id <> NEW.attempt_id OR OLD.phone <> NEW.phone
          OR OLD.campaign <> NEW.campaign) AND NOT ({IS_FORGOTTEN})
    BEGIN SELECT RAISE(ABORT, 'an attempt keeps its identity'); END
    """,
    """
    CREATE TRIGGER attempts_stay BEFORE DELETE ON attempts
    BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END
    """,
    f"""
    CREATE TRIGGER contacts_in_doubt_wait BEFORE UPDATE OF state ON contacts
    WHEN NEW.state IN ({WAITING})
      AND EXISTS (SELECT 1 FROM attempts a WHERE a.campaign = OLD.campaign
                  AND a.phone = OLD.phone AND a.state IN ('dialing', 'placed', 'unknown'))
    BEGIN SELECT RAISE(ABORT, 'a contact with an open call is not dialable'); END
    """,
    f"""
    CREATE TRIGGER contacts_count_new AFTER INSERT ON contacts
    BEGIN {_counted("NEW", 1)} END
    """,
    f"""
    CREATE TRIGGER contacts_count_moved AFTER UPDATE OF campaign, state ON contacts
    WHEN OLD.state <> NEW.state OR OLD.campaign <> NEW.campaign
    BEGIN {_counted("OLD", -1)} {_counted("NEW", 1)} END
    """,
    f"""
    CREATE TRIGGER contacts_count_gone AFTER DELETE ON contacts
    BEGIN {_counted("OLD", -1)} END
    """,
    f"""
    CREATE TRIGGER attempts_count_new AFTER INSERT ON attempts
    BEGIN {_CALL_COUNTED} END
    """,
    f"""
    CREATE TRIGGER attempts_count_ended AFTER UPDATE OF disposition, cost_usd, ended_at ON attempts
    WHEN OLD.disposition IS NOT NEW.disposition OR OLD.cost_usd IS NOT NEW.cost_usd
      OR OLD.ended_at IS NOT NEW.ended_at
    BEGIN
      UPDATE call_counts SET attempts = attempts - 1, priced = priced - (OLD.cost_usd IS NOT NULL),
        cost_usd = cost_usd - coalesce(OLD.cost_usd, 0.0)
      WHERE campaign = OLD.campaign AND disposition = coalesce(OLD.disposition, '');
      {_CALL_COUNTED}
    END
    """,
)


def put_in_force(connection: Connection) -> None:
    """Inside the caller's transaction, where none is."""
    for trigger in TRIGGERS:
        connection.exec_driver_sql(trigger)


def lift(connection: Connection) -> None:
    """Inside the caller's transaction: whatever rules there are, also of an older program."""
    kept = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    for name in connection.exec_driver_sql(kept).scalars().all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
