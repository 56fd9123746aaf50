"""The simulated bot and receiver of events, as the product's own channels use them."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.errors import ServiceError, ServiceRefused, TransientError
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.channel_probes import TelegramProber
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.services.telegram import TelegramChannel
from callagent_cli.services.webhook import WebhookChannel
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.sandbox import TELEGRAM, WEBHOOK, Sandbox
from callagent_cli.simulator.telegram import Telegram
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock
from tests.support.sandbox_caller import SandboxCaller

BOT = f"/bot{Telegram.token}"


def sandbox_with(clock: VirtualClock, *faults: Fault) -> Sandbox:
    return Sandbox(clock, seed=1, faults=FaultPlan(faults))


def alert(number: int = 1) -> Alert:
    return Alert(
        key=f"elevenlabs:{number}",
        kind=AlertKind.INCIDENT_OPENED,
        at=datetime(2026, 11, 23, 18, tzinfo=UTC),
        service="elevenlabs",
        title=f"elevenlabs is down {number}",
        happened="since 18:00",
        meaning="nobody is called",
        automatic="callagent goes on",
        todo="nothing",
    )


def session(sandbox: Sandbox, service: str, url: str) -> HttpSession:
    clock = sandbox.clock
    return HttpSession(
        service,
        url,
        headers={},
        timeouts=Timeouts(5, 10, 15),
        clock=clock,
        adapter=WorldAdapter(sandbox, clock),
    )


def telegram_of(sandbox: Sandbox, token: str = Telegram.token) -> TelegramChannel:
    url = f"{TELEGRAM.url}/bot{token}"
    return TelegramChannel(session(sandbox, "telegram", url), chat_id=Telegram.chat_id)


def webhook_of(sandbox: Sandbox, secret: str = "sandbox") -> WebhookChannel:
    url = f"{WEBHOOK.url}/alerts"
    return WebhookChannel(session(sandbox, "webhook", url), secret=secret, clock=sandbox.clock)


def test_bot_keeps_its_messages_in_order(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock)
    for number in (1, 2):
        telegram_of(sandbox).send(alert(number))
    assert ["is down 1" in m.text for m in sandbox.telegram.messages] == [True, False]
    assert len(sandbox.telegram.reception.keys("message")) == 2


def test_bot_is_probed_silently_and_spared_until_its_first_message(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock, Fault("telegram", FaultKind.UNAVAILABLE, from_dial=1))
    url = f"{TELEGRAM.url}{BOT}"
    prober = TelegramProber(session(sandbox, "telegram", url), chat_id="100", clock=clock)
    assert prober.probe().status is HealthStatus.OK
    with pytest.raises(TransientError):
        telegram_of(sandbox).send(alert())
    assert prober.probe().status is HealthStatus.DOWN
    assert sandbox.telegram.messages == []


@pytest.mark.parametrize(
    ("path", "body", "status", "description"),
    [
        ("/botwrong/sendMessage", {}, 401, "Unauthorized"),
        (f"{BOT}/sendMessage", {"chat_id": 1, "text": "x"}, 400, "Bad Request: chat not found"),
        (f"{BOT}/sendMessage", {"chat_id": 100}, 400, "Bad Request: message text is empty"),
        (
            f"{BOT}/sendMessage",
            {"chat_id": 100, "text": "🙂" * 2049},
            400,
            "Bad Request: message is too long",
        ),
        (f"{BOT}/sendPhoto", {"chat_id": 100}, 404, "Not Found"),
        ("/sendMessage", {}, 404, "Not Found"),
    ],
)
def test_bots_errors_have_telegrams_shape(
    clock: VirtualClock, path: str, body: object, status: int, description: str
) -> None:
    told = SandboxCaller(sandbox_with(clock), TELEGRAM.url).ask("POST", path, body)
    error = {"ok": False, "error_code": status, "description": description}
    assert (told.status, told.body) == (status, error)


@pytest.mark.parametrize(("kind", "wait_s"), [("429", 5), ("quota", 3600)])
def test_bot_that_is_asked_too_often_says_how_long_to_wait(
    clock: VirtualClock, kind: str, wait_s: int
) -> None:
    sandbox = sandbox_with(clock, Fault("telegram", FaultKind(kind)))
    with pytest.raises(TransientError) as error:
        telegram_of(sandbox).send(alert())
    assert error.value.retry_after_s == wait_s


def test_receiver_checks_the_signature_and_keeps_the_body(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock)
    webhook_of(sandbox).send(alert())
    (posting,) = sandbox.webhook.postings
    assert posting.is_signed
    assert (posting.path, posting.key) == ("/alerts", "elevenlabs:1")
    assert json.loads(posting.body)["title"] == "elevenlabs is down 1"
    with pytest.raises(ServiceError):
        webhook_of(sandbox, secret="another").send(alert(2))
    assert len(sandbox.webhook.postings) == 1


@pytest.mark.parametrize("signature", ["", "t=1,v1=zz", "v1=" + "0" * 64, "t=1,v1=" + "0" * 64])
def test_signature_may_be_missing_and_may_not_be_wrong(
    clock: VirtualClock, signature: str
) -> None:
    hook = SandboxCaller(sandbox_with(clock), WEBHOOK.url)
    headers = {"X-Callagent-Signature": signature} if signature else {}
    assert hook.ask("POST", "/x", {}, headers).status == (400 if signature else 200)


def test_signature_is_over_time_and_body(clock: VirtualClock) -> None:
    hook = SandboxCaller(sandbox_with(clock), WEBHOOK.url)
    digest = hmac.new(b"sandbox", b"17.{}", hashlib.sha256).hexdigest()
    headers = {"X-Callagent-Signature": f"t=17,v1={digest}"}
    assert hook.ask("POST", "/x", b"{}", headers).status == 200
    assert hook.ask("POST", "/x", b"{ }", headers).status == 400


def test_event_that_comes_twice_is_noted_and_acted_on_once(clock: VirtualClock) -> None:
    lost = Fault("webhook", FaultKind.RESET_AFTER, from_dial=1, is_once=True)
    sandbox = sandbox_with(clock, lost)
    with pytest.raises(ServiceError):
        webhook_of(sandbox).send(alert())
    webhook_of(sandbox).send(alert())
    assert [posting.is_repeat for posting in sandbox.webhook.postings] == [False, True]
    assert sandbox.webhook.reception.keys("event") == ["elevenlabs:1"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("503", TransientError),
        ("429", TransientError),
        ("401", ServiceRefused),
        ("timeout", ServiceError),
        ("reset-after", ServiceError),
        ("slow", ServiceError),
    ],
)
def test_each_fault_is_sorted_by_the_products_channels(
    clock: VirtualClock, kind: str, error: type[Exception]
) -> None:
    faults = [Fault(service, FaultKind(kind)) for service in ("telegram", "webhook")]
    sandbox = sandbox_with(clock, *faults)
    for channel in (telegram_of(sandbox), webhook_of(sandbox)):
        with pytest.raises(error):
            channel.send(alert())


def test_quota_of_a_receiver_is_a_matter_of_money(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock, Fault("webhook", FaultKind.QUOTA))
    with pytest.raises(ServiceRefused) as refused:
        webhook_of(sandbox).send(alert())
    assert refused.value.http_status == 402
