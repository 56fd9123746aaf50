"""The names of a ledger's campaigns, at once: for a shell that waits for them.

Without SQLAlchemy, which takes longer to import than a person waits for Tab.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

_PATIENCE_S = 0.2


def peek_campaign_names(state_dir: Path, *, name: str = "ledger") -> list[str]:
    """The last ones first. Raises sqlite3.Error: no ledger, another's, locked."""
    place = f"{(state_dir / f'{name}.db').absolute().as_uri()}?mode=ro"
    asked = "SELECT campaign FROM campaigns ORDER BY created_at DESC LIMIT 500"
    with closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE_S)) as connection:
        return [str(campaign) for (campaign,) in connection.execute(asked)]
