"""`callagent simulate`: the same engine against the built-in world, with faults on cue."""

import csv
import json
import tempfile
from contextlib import closing
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.options import SimulateOptions
from callagent_cli.cli.play import CAMPAIGN, Play
from callagent_cli.cli.render_simulation import render_simulation
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from callagent_cli.simulator.sandbox import CRM, LLM, TELEGRAM, WEBHOOK, Sandbox
from callagent_cli.simulator.server import serve
from callagent_cli.simulator.timeline import tell

_AREAS = (202, 212, 213, 303, 305, 312, 404, 415, 512, 602, 617, 702, 713, 801, 816, 901)


def simulate(options: SimulateOptions) -> int:
    """Play the faults; exit status 0 only when every promise held."""
    terminal = Terminal.of(options.common)
    asked = [fault for text in options.fail for fault in parse_faults(text)]
    faults = FaultPlan(asked)
    if options.serve is not None:
        return _serve(options, faults, terminal)
    with tempfile.TemporaryDirectory(prefix="callagent-") as folder:
        services = frozenset(fault.service for fault in asked)
        settings = wiring.rehearsing(_settings(options, Path(folder)), services)
        contacts = options.file or _invent_contacts(Path(folder), options.contacts)
        play = Play(settings, faults, contacts, terminal, options)
        verdicts = play.perform()
    if options.is_json:
        terminal.result(json.dumps(play.to_json(verdicts)))
    else:
        render_simulation(tell(play.events, play.began), verdicts, play.summaries, terminal)
    if play.interrupted is not None:
        return play.interrupted
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _settings(options: SimulateOptions, folder: Path) -> Settings:
    """The user's own policies on the simulated world, with a ledger that nobody keeps."""
    settings = wiring.settings_of(options.common.config)
    sandbox = settings.sandbox.model_copy(
        update={
            name: value
            for name, value in (("seed", options.seed), ("speed", options.speed))
            if value is not None
        }
    )
    return settings.model_copy(
        update={
            "provider": "sandbox",
            "state_dir": folder / "state",
            "metrics_file": None,
            "sandbox": sandbox,
        }
    )


def _invent_contacts(folder: Path, n: int) -> Path:
    """Fictional people on numbers that are reserved for fiction."""
    path = folder / f"{CAMPAIGN}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "phone", "timezone"])
        for k in range(n):
            number = f"+1{_AREAS[k % len(_AREAS)]}55501{(k // len(_AREAS)) % 100:02d}"
            rows.writerow([f"c{k + 1}", f"Contact {k + 1}", number, "America/New_York"])
    return path


def _serve(options: SimulateOptions, faults: FaultPlan, terminal: Terminal) -> int:
    """Put the sandbox on loopback ports until the first signal."""
    clock = SystemClock()
    seed = options.seed if options.seed is not None else 1
    sandbox = Sandbox(clock, seed=seed, faults=faults)
    over = clock.signal()
    with (
        Interrupts(over.set),
        closing(sandbox),
        closing(serve(sandbox, port=options.serve or 0)) as server,
    ):
        terminal.result(f"http://127.0.0.1:{server.port}")
        terminal.say(_how_to_reach(sandbox, f"http://127.0.0.1:{server.port}"))
        over.wait()
    return 0


def _how_to_reach(sandbox: Sandbox, url: str) -> str:
    """What a config and an environment need, to take it for the vendors."""
    voice, mail = sandbox.voice, sandbox.mail()
    return "\n".join(
        (
            f"services.elevenlabs: base_url {url}, agent_id {voice.agent_id}, "
            f"agent_phone_number_id {voice.phone_number_id}; ELEVEN_API_KEY={voice.api_key}",
            f"services.crm: base_url {url}/{CRM.prefix}; CRM_API_KEY={sandbox.crm.api_key}",
            f"services.llm: base_url {url}/{LLM.prefix}/v1; LLM_API_KEY={sandbox.llm.api_key}",
            f"alerts.telegram: base_url {url}/{TELEGRAM.prefix}, chat_id "
            f"{sandbox.telegram.chat_id}; TELEGRAM_BOT_TOKEN={sandbox.telegram.token}",
            f"alerts.webhook: url {url}/{WEBHOOK.prefix}; WEBHOOK_SECRET={sandbox.webhook.secret}",
            f"alerts.email: security none; SMTP_HOST={mail.host} SMTP_PORT={mail.port}",
            "Ctrl-C ends it",
        )
    )
