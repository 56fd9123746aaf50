"""`callagent` as a later version of it might be: `python -m … WORDS`.

CALLAGENT_TEST_SCHEMA: the version of its schema; one above ours adds a column that we do not know.
"""

import os

import callagent_cli
from callagent_cli.ledger import files, migrations

VERSION = "99.0.0"


def _become_newer() -> None:
    callagent_cli.__version__ = VERSION
    schema = int(os.environ.get("CALLAGENT_TEST_SCHEMA") or files.SCHEMA_VERSION)
    if schema > files.SCHEMA_VERSION:
        step = migrations.Migration(schema, ("ALTER TABLE campaigns ADD COLUMN color VARCHAR",))
        vars(migrations)["MIGRATIONS"] = (*migrations.MIGRATIONS, step)
        files.SCHEMA_VERSION = schema


if __name__ == "__main__":
    _become_newer()
    from callagent_cli.__main__ import main  # what is imported here finds what is newer

    main()
