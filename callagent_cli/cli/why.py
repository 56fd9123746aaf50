"""`callagent why PHONE`: everything that is known of a number, and what the next run would do."""

import json
from contextlib import nullcontext

from callagent_cli import wiring
from callagent_cli.cli.dnc import number_of
from callagent_cli.cli.options import Common
from callagent_cli.cli.render_dossier import render_dossier
from callagent_cli.cli.terminal import Terminal
from callagent_cli.reporting.dossier import read_dossier


def why(phone: str, *, as_json: bool, show_pii: bool, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    number = number_of(phone, settings)
    with wiring.read_ledger_if_any(settings) or nullcontext() as ledger:
        dossier = read_dossier(
            ledger, number, lambda campaign: wiring.outlook_on(settings, campaign, ledger)
        )
    if as_json:
        terminal.result(json.dumps(dossier.to_json(show_pii=show_pii)))
    else:
        render_dossier(dossier, terminal, show_pii=show_pii)
    return 0
