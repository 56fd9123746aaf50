"""`callagent`, killed at the nth step: `python -m … N WORDS`.

A step is a moment just before or just after a statement that is sent to the ledger's server, a
commit included. With N = 0 it is never killed, and says on stderr how many there were.
"""

import psycopg

from tests.support.killed_command import Steps, run


def arm(steps: Steps) -> None:
    psycopg.Cursor.execute = steps.around(psycopg.Cursor.execute)  # type: ignore[method-assign]
    for name in ("commit", "rollback"):
        action = getattr(psycopg.Connection, name)
        setattr(psycopg.Connection, name, steps.around(action))


if __name__ == "__main__":
    run(arm)
