"""`callagent backup`, `callagent ledger recover` and `callagent ledger copy`."""

import json
from dataclasses import asdict
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import plain_table
from callagent_cli.cli.terminal import Terminal


def backup(file: Path, common: Common) -> int:
    settings = wiring.settings_of(common.config)
    with wiring.read_ledger(settings) as ledger:
        ledger.backup(file)
    Terminal.of(common).say(f"the ledger is copied to {file}; keep its dial journal too")
    return 0


def recover(common: Common) -> int:
    settings = wiring.settings_of(common.config)
    taken_in = wiring.recover_ledger(settings)
    terminal = Terminal.of(common)
    terminal.say(f"the ledger is in order again; {taken_in} calls were taken in as in doubt")
    if taken_in:
        terminal.say("the next run looks them up; `callagent review` lists what stays")
    return 0


def move(to: str, common: Common, *, as_json: bool) -> int:
    """to: a URL, or `file`."""
    settings = wiring.settings_of(common.config)
    terminal = Terminal.of(common)
    told = wiring.move_ledger(settings, to)
    if as_json:
        terminal.result(json.dumps({"tables": [asdict(table) for table in told]}))
        return 0
    shown = plain_table("table", "rows", "sha-256")
    for table in told:
        shown.add_row(table.name, str(table.rows), table.digest[:12])
    terminal.show(shown)
    if to == "file":
        terminal.say("the ledger is in its file again; take CALLAGENT_DATABASE_URL away")
    else:
        terminal.say("the ledger is on the server; set CALLAGENT_DATABASE_URL on every host")
    return 0
