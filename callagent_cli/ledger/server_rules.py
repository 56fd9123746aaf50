"""The rules of `file_rules`, as PostgreSQL keeps them.

Triggers as on SQLite, and the counts as views: counters that every step of every process changes
would make them wait for one another.
"""

from callagent_cli.domain.call import AttemptState
from callagent_cli.ledger.file_rules import ENDED, IS_FORGOTTEN, MOVES
from callagent_cli.ledger.schema import WAITING

_FORGOTTEN = IS_FORGOTTEN.replace(" IS OLD.", " IS NOT DISTINCT FROM OLD.")

VIEWS = (
    """
    CREATE VIEW contact_counts AS
    SELECT campaign, state, count(*) AS contacts FROM contacts GROUP BY campaign, state
    """,
    """
    CREATE VIEW call_counts AS
    SELECT campaign, coalesce(disposition, '') AS disposition, count(*) AS attempts,
      count(cost_usd) AS priced, coalesce(sum(cost_usd), 0.0) AS cost_usd,
      coalesce(max(ended_at), '') AS latest_end_at
    FROM attempts GROUP BY campaign, coalesce(disposition, '')
    """,
)

_RULES = (
    (
        "attempts_begin_claimed",
        "BEFORE INSERT ON attempts",
        f"NEW.state NOT IN ('{AttemptState.CLAIMED}', '{AttemptState.UNKNOWN}')",
        "an attempt begins claimed",
    ),
    (
        "attempts_move_legally",
        "BEFORE UPDATE OF state ON attempts",
        f"OLD.state <> NEW.state AND NOT ({MOVES})",
        "no such move of an attempt",
    ),
    (
        "attempts_end_once",
        "BEFORE UPDATE ON attempts",
        f"OLD.state IN ({ENDED}) AND NOT ({_FORGOTTEN})",
        "an attempt ends once",
    ),
    (
        "attempts_keep_identity",
        "BEFORE UPDATE OF attempt_id, campaign, phone ON attempts",
        "(OLD.attempt_id <> NEW.attempt_id OR OLD.phone <> NEW.phone "
        f"OR OLD.campaign <> NEW.campaign) AND NOT ({_FORGOTTEN})",
        "an attempt keeps its identity",
    ),
    (
        "attempts_stay",
        "BEFORE DELETE ON attempts",
        "TRUE",
        "attempts are never deleted",
    ),
    (
        "contacts_in_doubt_wait",
        "BEFORE UPDATE OF state ON contacts",
        f"NEW.state IN ({WAITING}) AND EXISTS (SELECT 1 FROM attempts a "
        "WHERE a.campaign = OLD.campaign AND a.phone = OLD.phone "
        "AND a.state IN ('dialing', 'placed', 'unknown'))",
        "a contact with an open call is not dialable",
    ),
)

# What no statement of a newer or an older program can go round: the condition is looked at in the
# function, for a trigger's own may hold no query.
RULES = {name: (when, condition, words) for name, when, condition, words in _RULES}


def statements() -> list[str]:
    """That put the rules in force, whatever was there before."""
    made = []
    for name, (when, condition, words) in RULES.items():
        table = when.rsplit(" ", 1)[1]
        made += [
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $rule$
            BEGIN
              IF {condition} THEN
                RAISE EXCEPTION '{words}' USING ERRCODE = 'check_violation';
              END IF;
              RETURN {"OLD" if "DELETE" in when else "NEW"};
            END $rule$""",
            f"CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return made
