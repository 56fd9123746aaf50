"""`callagent backup` and `callagent ledger recover`."""

from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.options import Common
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
