"""Settings become live objects here, and nowhere else.

Called by: the commands. Invariant: nothing is dialled, probed or written by building.
"""

import difflib
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from callagent_cli.campaign.agenda import Agenda
from callagent_cli.campaign.attempt import FollowRules, Line
from callagent_cli.campaign.calling_window import CallingWindow
from callagent_cli.campaign.dial_rules import RedialRules
from callagent_cli.campaign.eligibility import Rules
from callagent_cli.campaign.limits import RunLimits
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.runner import Runner, RunRules
from callagent_cli.campaign.session import Session
from callagent_cli.config.loading import load_settings, missing_for_real_calls, warnings
from callagent_cli.config.settings import ElevenLabsSettings, Settings
from callagent_cli.domain.alert import AlertChannel, AlertKind
from callagent_cli.domain.call import Disposition
from callagent_cli.domain.clock import Clock, Signal, SystemClock
from callagent_cli.domain.errors import ConfigError, InputError
from callagent_cli.domain.event import Emit, EventName, FieldValue, Level
from callagent_cli.domain.ports import Prober
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.events.emitter import Emitter
from callagent_cli.events.incidents import Throttle
from callagent_cli.events.jsonl import JsonlLog
from callagent_cli.ledger.store import Ledger, recover_files
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.guarded_channel import GuardedChannel
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.resilience.retry import RetryPolicy
from callagent_cli.services.elevenlabs import ElevenLabs
from callagent_cli.services.email import EmailChannel, MailServer
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.services.telegram import TelegramChannel
from callagent_cli.services.webhook import WebhookChannel
from callagent_cli.simulator.faults import FaultPlan
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock, sandbox_start
from callagent_cli.simulator.world import World

_ALERT_TIMEOUTS = Timeouts(connect_s=5.0, read_s=10.0, total_s=20.0)
_PROCESSING_S = 300.0  # after a conversation, the provider's analysis may take minutes


def settings_of(config: Path | None) -> Settings:
    """From the file, the environment and the folder this process was started in."""
    return load_settings(config, os.environ, Path.cwd())


def check_ready(settings: Settings) -> None:
    """A real provider needs its ids and its key; raises ConfigError with all that is missing."""
    if is_sandbox(settings):
        return
    if missing := missing_for_real_calls(settings):
        raise ConfigError("; ".join(missing), hint="`callagent config check` shows all problems")


def warnings_of(settings: Settings) -> list[str]:
    return warnings(settings)


def is_sandbox(settings: Settings) -> bool:
    return settings.provider == "sandbox"


def ledger_name(settings: Settings) -> str:
    """Rehearsals have a ledger of their own: nobody called in the sandbox counts as called."""
    return "sandbox" if is_sandbox(settings) else "ledger"


def open_ledger(settings: Settings, clock: Clock) -> Ledger:
    return Ledger.open(settings.state_dir, name=ledger_name(settings), clock=clock)


def read_ledger(settings: Settings) -> Ledger:
    return Ledger.open_readonly(
        settings.state_dir, name=ledger_name(settings), clock=SystemClock()
    )


def read_ledger_if_any(settings: Settings) -> Ledger | None:
    """For the caller to close; None when nothing has run here."""
    if not Ledger.exists(settings.state_dir, name=ledger_name(settings)):
        return None
    return read_ledger(settings)


@contextmanager
def held_ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger for a change by hand, while no run is on."""
    run_id = f"hand_{secrets.token_hex(6)}"
    with open_ledger(settings, SystemClock()) as ledger, ledger.hold("", run_id) as lease:
        yield ledger
        lease.finish(0)


def recover_ledger(settings: Settings) -> int:
    """Calls taken in from the dial journal."""
    return recover_files(settings.state_dir, name=ledger_name(settings), clock=SystemClock())


def tell(settings: Settings, name: EventName, **fields: FieldValue) -> None:
    """One line in the log for what a person did, outside a run."""
    emitter = Emitter(SystemClock(), run_id="by_hand")
    emitter.listen(log_of(settings))
    emitter(name, **fields)


def known_campaign(ledger: Ledger, campaign: str) -> str:
    """The name, if the ledger knows it; InputError with the nearest one otherwise."""
    names = ledger.campaign_names()
    if campaign in names:
        return campaign
    near = difflib.get_close_matches(campaign, names, 1)
    known = f"known: {', '.join(names)}" if names else "none has run here yet"
    hint = f"did you mean {near[0]}?" if near else known
    raise InputError(f"no campaign {campaign!r}", hint=hint)


def log_of(settings: Settings) -> JsonlLog:
    log = settings.logging
    return JsonlLog(
        log.path,
        max_bytes=log.max_bytes,
        backups=log.backups,
        level=Level(log.level),
        redact=settings.secrets.values(),
    )


def clock_of(settings: Settings) -> Clock:
    return sandbox_clock(settings) if is_sandbox(settings) else SystemClock()


@dataclass(frozen=True, slots=True)
class Outside:
    """Where requests go: the vendor, or the simulated world, on one clock."""

    clock: Clock
    dialer: ElevenLabs
    world: World | None


def outside(settings: Settings, clock: Clock, faults: FaultPlan | None = None) -> Outside:
    """faults: of the simulated world; None for a world that is well."""
    voice = settings.services.elevenlabs
    if not is_sandbox(settings):
        key = settings.secrets.eleven_api_key
        secret = key.get_secret_value() if key else ""
        session = _voice_session(voice, voice.base_url, secret, clock, None)
        return Outside(clock, _dialer(voice, session, clock), None)
    world = World(clock, seed=settings.sandbox.seed, faults=faults or FaultPlan())
    sandbox = voice.model_copy(
        update={
            "agent_id": world.agent_id,
            "agent_phone_number_id": world.phone_number_id,
            "telephony": "twilio",
        }
    )
    base_url = "https://sandbox.invalid"  # never leaves the process
    session = _voice_session(voice, base_url, world.api_key, clock, WorldAdapter(world, clock))
    return Outside(clock, _dialer(sandbox, session, clock), world)


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


def sandbox_clock(settings: Settings) -> VirtualClock:
    """The sandbox's own time: inside the calling window, and never before its last call."""
    latest = Ledger.latest_time(settings.state_dir, name=ledger_name(settings))
    start = sandbox_start(SystemClock().now(), not_before=latest)
    return VirtualClock(start, speed=settings.sandbox.speed)


def probers(settings: Settings, clock: Clock | None = None) -> Sequence[Prober]:
    """One for each enabled service."""
    return (outside(settings, clock or SystemClock()).dialer,)


def retry_policy(voice: ElevenLabsSettings) -> RetryPolicy:
    return RetryPolicy(
        initial_delay_s=voice.retry.initial_delay,
        backoff_factor=voice.retry.backoff_factor,
        max_attempts=voice.retry.max_attempts,
        max_delay_s=voice.retry.max_delay,
        jitter_s=voice.retry.jitter,
    )


def eligibility_of(settings: Settings) -> Rules:
    rules = settings.campaign
    window = rules.calling_window
    return Rules(
        window=CallingWindow.of(window.start, window.end, window.days, window.holidays)
        if window
        else None,
        require_consent=rules.require_consent,
        max_attempts=rules.max_attempts_per_contact,
        min_gap_s=rules.min_gap_between_attempts,
    )


def _redial(settings: Settings) -> RedialRules:
    redial = settings.campaign.redial
    return RedialRules(
        delays={
            Disposition.NO_ANSWER: redial.no_answer,
            Disposition.BUSY: redial.busy,
            Disposition.VOICEMAIL: redial.voicemail,
            Disposition.FAILED: redial.failed,
        },
        max_attempts=settings.campaign.max_attempts_per_contact,
    )


def plain_channels(settings: Settings, clock: Clock) -> list[AlertChannel]:
    """The alert channels that are enabled and have what they need; what they lack is a warning."""
    alerts, secrets = settings.alerts, settings.secrets
    channels: list[AlertChannel] = []
    if alerts.email.enabled and secrets.smtp_host and alerts.email.to:
        channels.append(_email(settings))
    if alerts.telegram.enabled and secrets.telegram_bot_token:
        token = secrets.telegram_bot_token.get_secret_value()
        base_url = f"{alerts.telegram.base_url}/bot{token}"
        chat_id = str(alerts.telegram.chat_id or secrets.telegram_chat_id or "")
        session = _alert_session("telegram", base_url, clock)
        channels.append(TelegramChannel(session, chat_id=chat_id))
    url = alerts.webhook.url or _revealed(secrets.webhook_url)
    if alerts.webhook.enabled and url:
        session = _alert_session("webhook", url, clock)
        secret = _revealed(secrets.webhook_secret)
        channels.append(WebhookChannel(session, secret=secret, clock=clock))
    return channels


def _email(settings: Settings) -> EmailChannel:
    email, secrets = settings.alerts.email, settings.secrets
    server = MailServer(
        host=secrets.smtp_host or "",
        security=email.security,
        port=secrets.smtp_port,
        user=secrets.smtp_user or "",
        password=_revealed(secrets.smtp_pass),
    )
    sender = email.from_ or f"callagent@{socket.getfqdn()}"
    return EmailChannel(server, sender=sender, receivers=email.to)


def _alert_session(service: str, url: str, clock: Clock) -> HttpSession:
    return HttpSession(service, url, headers={}, timeouts=_ALERT_TIMEOUTS, clock=clock)


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def channels(settings: Settings, clock: Clock, emit: Emit) -> list[AlertChannel]:
    """Each behind a guard of its own; none in the sandbox, where nothing real goes wrong."""
    if is_sandbox(settings):
        return []
    guarded: list[AlertChannel] = []
    for channel in plain_channels(settings, clock):
        breaker = Breaker(channel.name, BreakerPolicy(), clock=clock, emit=emit, has_probe=False)
        guard = Guard(
            channel.name,
            retry=RetryPolicy(max_attempts=2),
            breaker=breaker,
            clock=clock,
            stop=clock.signal(),
            emit=emit,
        )
        guarded.append(GuardedChannel(channel, guard))
    return guarded


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who starts a run asks for, beside the settings."""

    campaign: str
    run_id: str
    limits: RunLimits
    concurrency: int
    only: frozenset[str] | None = None


def limits_of(settings: Settings) -> RunLimits:
    """The config's; flags tighten them."""
    rules = settings.campaign
    return RunLimits(
        max_dials=rules.max_calls,
        max_cost_usd=rules.max_cost,
        max_outage_wait_s=rules.max_outage_wait,
    )


def build_session(
    settings: Settings,
    wish: Wish,
    *,
    outside: Outside,
    ledger: Ledger,
    emit: Emit,
    channels: Sequence[AlertChannel],
) -> Session:
    """The live objects of one run."""
    clock, voice = outside.clock, settings.services.elevenlabs
    stop, over = clock.signal(), clock.signal()
    guard = _guard(voice, clock=clock, stop=stop, emit=emit)
    monitor = _monitor(voice, outside.dialer, guard.breaker, clock=clock, over=over, emit=emit)
    progress = Progress(
        wish.campaign,
        provider=settings.provider,
        is_sandbox=outside.world is not None,
        clock=clock,
        count_states=lambda: ledger.totals(wish.campaign),
        services=lambda: (monitor.complete(guard.snapshot()),),
    )
    line = Line(
        dialer=outside.dialer,
        guard=guard,
        ledger=ledger,
        clock=clock,
        stop=stop,
        emit=emit,
        run_id=wish.run_id,
        own_tries=voice.retry.max_attempts + 1,
        threshold=voice.circuit_breaker.failure_threshold,
    )
    rules = _run_rules(settings, outside.dialer)
    agenda = Agenda(
        wish.campaign,
        line=line,
        rules=rules.eligibility,
        limits=wish.limits,
        lanes=wish.concurrency,
        progress=progress,
        only=wish.only,
    )
    return Session(
        campaign=wish.campaign,
        provider=settings.provider,
        line=line,
        agenda=agenda,
        runner=Runner(wish.campaign, line, agenda, rules, progress),
        progress=progress,
        monitor=monitor,
        alerts=AlertDesk(
            channels,
            clock=clock,
            emit=emit,
            throttle=_throttle(settings),
            # at the terminal the summary tells it
            untold=frozenset() if len(channels) > 1 else frozenset({AlertKind.CAMPAIGN_FINISHED}),
        ),
        over=over,
        workers=wish.concurrency,
        is_restricted=wish.only is not None,
    )


def _throttle(settings: Settings) -> Throttle:
    throttle = settings.alerts.throttle
    return Throttle(throttle.repeat_interval, throttle.digest_interval)


def _guard(voice: ElevenLabsSettings, *, clock: Clock, stop: Signal, emit: Emit) -> Guard:
    policy = BreakerPolicy(
        failure_threshold=voice.circuit_breaker.failure_threshold,
        recovery_timeout_s=voice.circuit_breaker.recovery_timeout,
    )
    breaker = Breaker("elevenlabs", policy, clock=clock, emit=emit, has_probe=True)
    retry = retry_policy(voice)
    return Guard("elevenlabs", retry=retry, breaker=breaker, clock=clock, stop=stop, emit=emit)


def _monitor(
    voice: ElevenLabsSettings,
    prober: Prober,
    breaker: Breaker,
    *,
    clock: Clock,
    over: Signal,
    emit: Emit,
) -> HealthMonitor:
    return HealthMonitor(
        [(prober, breaker)],
        interval_s=voice.health_check.interval,
        healthy_threshold=voice.health_check.healthy_threshold,
        clock=clock,
        stop=over,
        emit=emit,
    )


def _run_rules(settings: Settings, dialer: ElevenLabs) -> RunRules:
    voice = settings.services.elevenlabs
    return RunRules(
        eligibility=eligibility_of(settings),
        redial=_redial(settings),
        follow=FollowRules(
            poll_interval_s=voice.poll_interval,
            longest_call_s=lambda: voice.ringing_timeout + dialer.max_call_s + _PROCESSING_S,
            patience_s=settings.campaign.max_outage_wait,
        ),
        look_up_delays_s=tuple(voice.look_up_after),
    )
