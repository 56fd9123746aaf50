"""Pages of the report, each with the object that `report --json` prints of the same campaign."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from callagent_cli.domain.contact import Contact
from callagent_cli.domain.measure import BreakerChange, ServiceMeasure
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.page import html_pieces
from callagent_cli.reporting.report import Report, read_report
from callagent_cli.reporting.services import latency_of, services_of, spans_of
from callagent_cli.reporting.texts import json_pieces
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from tests.support.many_calls import BEGAN, ledger_of
from tests.support.rehearsal import play

_SERVICES = ("elevenlabs", "crm", "llm", "sheets", "telegram")
_LATENCY_MS = {
    "<=25": 2,
    "<=50": 60,
    "<=100": 210,
    "<=250": 40,
    "<=1000": 0,
    "<=2500": 5,
    ">2500": 1,
}
_STATES = ((20, "open"), (80, "half_open"), (82, "open"), (300, "half_open"), (310, "closed"))


@dataclass(frozen=True)
class Made:
    path: Path
    told: dict[str, Any]


def made_of(report: Report, path: Path) -> Made:
    path.write_text("".join(html_pieces(report, is_sandbox=False)), encoding="utf-8")
    return Made(path, json.loads("".join(json_pieces(report))))


def large_page(folder: Path, contacts: int) -> Made:
    """Of very many contacts, and of services that were measured."""
    with ledger_of(folder / "state", contacts) as ledger:
        report = _measured(read_report(ledger, "spring", show_pii=False), ledger)
        return made_of(report, folder / "page.html")


def troubled_page(folder: Path) -> Made:
    """Of a campaign with an outage of everything."""
    people = [Contact(f"c{n}", f"+1202555{n:04d}", f"Contact {n}") for n in range(30)]
    services = frozenset({"crm", "llm", "sheets", "telegram", "webhook", "smtp"})
    faults = FaultPlan(parse_faults("all@60-400"))
    before = Path.cwd()
    os.chdir(folder)
    try:
        played = play(folder, faults, people, services=services, seed=5)
    finally:
        os.chdir(before)
    try:
        report = read_report(played.ledger, "fifty", show_pii=False)
        return made_of(report, folder / "page.html")
    finally:
        played.close()


def _measured(report: Report, ledger: Ledger) -> Report:
    measures = [
        ServiceMeasure(service, "ask", 318 * no, 7 * no, 5 * no, _LATENCY_MS, 31_800.5 * no)
        for no, service in enumerate(_SERVICES, start=1)
    ]
    runs = ledger.runs_of(report.campaign)
    services = services_of(measures)
    figures = replace(
        report.figures,
        services=services,
        latency=latency_of(measures),
        breakers=spans_of(list(_changes()), runs, [each.service for each in services]),
        retries={each.service: each.retries for each in services},
    )
    return replace(report, figures=figures)


def _changes() -> Iterator[BreakerChange]:
    for minutes, state in _STATES:
        at = BEGAN + timedelta(minutes=minutes)
        yield BreakerChange("run_1", "crm", at, state, "503 from +12025550199")
    forced_at = BEGAN + timedelta(hours=9)
    yield BreakerChange("run_1", "telegram", forced_at, "forced_open", "by hand")
