"""Where requests go: the vendor or the simulated world, on one clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from callagent_cli.config.services import ElevenLabsSettings
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock, SystemClock
from callagent_cli.ledger.store import Ledger
from callagent_cli.services.elevenlabs import ElevenLabs
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.simulator.faults import FaultPlan
from callagent_cli.simulator.sandbox import VOICE_URL, Sandbox
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock, sandbox_start
from callagent_cli.simulator.world import World
from callagent_cli.wiring.beside import Beside
from callagent_cli.wiring.ledgers import ledger_name
from callagent_cli.wiring.real_services import real_services
from callagent_cli.wiring.settings_in_force import is_sandbox
from callagent_cli.wiring.simulated import simulated_services


@dataclass(frozen=True, slots=True)
class Outside:
    """Where requests go: the vendor, or the simulated world, on one clock."""

    clock: Clock
    dialer: ElevenLabs
    world: World | None
    beside: Beside
    sandbox: Sandbox | None = None  # whose voice is `world`

    def close(self) -> None:
        if self.sandbox is not None:
            self.sandbox.close()


def outside(settings: Settings, clock: Clock, faults: FaultPlan | None = None) -> Outside:
    """faults: of the simulated world; None for a world that is well."""
    voice = settings.services.elevenlabs
    if not is_sandbox(settings):
        key = settings.secrets.eleven_api_key
        secret = key.get_secret_value() if key else ""
        session = _voice_session(voice, voice.base_url, secret, clock, None)
        return Outside(clock, _dialer(voice, session, clock), None, real_services(settings, clock))
    sandbox = _sandbox(settings, clock, faults or FaultPlan())
    world = sandbox.voice
    own = voice.model_copy(
        update={
            "agent_id": world.agent_id,
            "agent_phone_number_id": world.phone_number_id,
            "telephony": "twilio",
        }
    )
    adapter = WorldAdapter(sandbox, clock)
    session = _voice_session(voice, VOICE_URL, world.api_key, clock, adapter)
    beside = simulated_services(settings, sandbox, clock)
    return Outside(clock, _dialer(own, session, clock), world, beside, sandbox)


def _sandbox(settings: Settings, clock: Clock, faults: FaultPlan) -> Sandbox:
    crm = settings.services.crm
    return Sandbox(
        clock,
        seed=settings.sandbox.seed,
        faults=faults,
        crm_properties={*crm.read, *crm.write},
        worksheet=settings.google_sheets.worksheet,
    )


def _voice_session(
    voice: ElevenLabsSettings, base_url: str, key: str, clock: Clock, adapter: object | None
) -> HttpSession:
    timeouts = Timeouts(voice.timeout.connect, voice.timeout.read, voice.timeout.total)
    return HttpSession(
        "elevenlabs",
        base_url,
        headers={"xi-api-key": key},
        timeouts=timeouts,
        clock=clock,
        adapter=adapter,
    )


def _dialer(voice: ElevenLabsSettings, session: HttpSession, clock: Clock) -> ElevenLabs:
    return ElevenLabs(
        session,
        agent_id=voice.agent_id or "",
        agent_phone_number_id=voice.agent_phone_number_id or "",
        telephony=voice.telephony,
        ringing_timeout_s=voice.ringing_timeout,
        clock=clock,
    )


@contextmanager
def reached(settings: Settings, clock: Clock) -> Iterator[Outside]:
    """For a few questions."""
    asked = outside(settings, clock)
    try:
        yield asked
    finally:
        asked.close()


def sandbox_clock(settings: Settings) -> VirtualClock:
    """The sandbox's own time: inside the calling window, and never before its last call."""
    latest = Ledger.latest_time(
        settings.state_dir, name=ledger_name(settings), url=settings.place.url
    )
    start = sandbox_start(SystemClock().now(), not_before=latest)
    return VirtualClock(start, speed=settings.sandbox.speed)


def clock_of(settings: Settings) -> Clock:
    return sandbox_clock(settings) if is_sandbox(settings) else SystemClock()
