"""Alerts through real servers of the test's own: mail with STARTTLS and login, HTTP."""

import email
import email.policy
import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import ServiceError, ServiceRefused, TransientError
from callagent_cli.services.email import EmailChannel, MailServer
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.services.telegram import TelegramChannel
from callagent_cli.services.webhook import WebhookChannel
from tests.support.socket_server import SocketServer, reply, silence

PASSWORD, TOKEN, SECRET = "canary-pass-7712", "123456:canary-token-4411", "canary-secret-9921"
NUMBER, WRONG = "+12025550123", "canary-wrong-1"


@pytest.fixture(params=list(AlertKind))
def any_alert(request: pytest.FixtureRequest) -> Alert:
    return _alert(request.param)


@pytest.fixture
def alert() -> Alert:
    return _alert(AlertKind.INCIDENT_OPENED)


def _alert(kind: AlertKind) -> Alert:
    return Alert(
        key=f"elevenlabs:{kind.value}",
        kind=kind,
        at=datetime(2026, 11, 23, 18, tzinfo=UTC),
        service="elevenlabs",
        title=f"elevenlabs is down\r\nBcc: evil@example.com {NUMBER}",
        happened="since 18:00 <b>its</b> requests fail",
        meaning="nobody is called",
        automatic="callagent checks and goes on",
        todo="nothing yet",
        command="callagent health",
    )


class Mailbox:
    """An aiosmtpd handler that keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[email.message.EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append(parsed)
        return "250 OK"


def _authenticate(server: object, session: object, envelope: object, kind: str, data: Any) -> Any:
    is_known = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=is_known, handled=is_known)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


@pytest.fixture
def mail(certificate: tuple[Path, Path]) -> Iterator[tuple[Mailbox, int]]:
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_authenticate,
    )
    controller.start()
    yield mailbox, port
    controller.stop()


def _channel(port: int, password: str = PASSWORD) -> EmailChannel:
    server = MailServer("localhost", "starttls", port, "ops", password)
    return EmailChannel(server, sender="no-reply@example.com", receivers=["admin@example.com"])


def test_a_mail_is_sent_over_starttls_with_login(
    any_alert: Alert,
    mail: tuple[Mailbox, int],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    mailbox, port = mail
    _channel(port).send(any_alert)
    (message,) = mailbox.messages
    assert message["To"] == "admin@example.com"
    assert message["Bcc"] is None, "a line break in a title adds no header"
    assert NUMBER not in message.as_string()
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert "Command: callagent health" in text.get_content()
    assert page is not None
    assert "&lt;b&gt;its&lt;/b&gt;" in page.get_content(), "untrusted text is no markup"


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    alert: Alert, mail: tuple[Mailbox, int]
) -> None:
    with pytest.raises(ServiceRefused):
        _channel(mail[1]).send(alert)
    assert mail[0].messages == []


def test_a_wrong_password_needs_a_person_and_is_not_shown(
    alert: Alert,
    mail: tuple[Mailbox, int],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    with pytest.raises(ServiceRefused) as refused:
        _channel(mail[1], WRONG).send(alert)
    assert refused.value.kind == "credentials"
    _shows(refused.value, WRONG, PASSWORD)


def test_a_mail_server_that_is_away_may_come_back(alert: Alert) -> None:
    with pytest.raises(TransientError):
        EmailChannel(MailServer("127.0.0.1", "none", 1), sender="a@b.c", receivers=["d@e.f"]).send(
            alert
        )


def _session(service: str, url: str) -> HttpSession:
    limits = Timeouts(connect_s=0.4, read_s=0.4, total_s=0.8)
    return HttpSession(service, url, headers={}, timeouts=limits, clock=SystemClock())


def _telegram(url: str) -> TelegramChannel:
    return TelegramChannel(_session("telegram", f"{url}/bot{TOKEN}"), chat_id="42")


def _webhook(url: str) -> WebhookChannel:
    return WebhookChannel(_session("webhook", f"{url}/hook"), secret=SECRET, clock=SystemClock())


def _body(request: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return parsed


def test_a_telegram_message_is_plain_text(any_alert: Alert) -> None:
    with SocketServer([reply("200 OK", b'{"ok": true}')]) as server:
        _telegram(server.url).send(any_alert)
    assert server.requests[0].startswith(f"POST /bot{TOKEN}/sendMessage ".encode())
    sent = _body(server.requests[0])
    assert sent["chat_id"] == "42"
    assert "parse_mode" not in sent
    assert NUMBER not in sent["text"]


def test_a_webhook_is_signed_over_time_and_body(any_alert: Alert) -> None:
    with SocketServer([reply("204 No Content")]) as server:
        _webhook(server.url).send(any_alert)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    at, _, signature = headers["X-Callagent-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert signature == expected
    assert headers["Idempotency-Key"] == any_alert.key == _body(server.requests[0])["id"]
    assert NUMBER.encode() not in body


CHANNELS: dict[str, Callable[[str], TelegramChannel | WebhookChannel]] = {
    "telegram": _telegram,
    "webhook": _webhook,
}


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply("500 Oops", b"<html>"), TransientError),
        (reply("429 Slow", b'{"parameters": {"retry_after": 7}}'), TransientError),
        (silence, TransientError),
        (reply("401 No"), ServiceRefused),
        (reply("400 Bad"), ServiceRefused),
        (reply("302 Moved", headers="Location: https://elsewhere.invalid\r\n"), ServiceRefused),
    ],
)
def test_a_channel_that_fails_says_so_without_its_secrets(
    name: str, answer: Callable[..., None], expected: type[ServiceError], alert: Alert
) -> None:
    with SocketServer([answer]) as server, pytest.raises(expected) as failed:
        CHANNELS[name](server.url).send(alert)
    _shows(failed.value, TOKEN, SECRET)


def test_telegram_is_heard_when_it_asks_to_wait(alert: Alert) -> None:
    slow = reply("429 Slow", b'{"ok": false, "parameters": {"retry_after": 7}}')
    with SocketServer([slow]) as server, pytest.raises(TransientError) as failed:
        _telegram(server.url).send(alert)
    assert failed.value.retry_after_s == 7


def _shows(error: BaseException, *secrets: str) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error)
    for secret in secrets:
        assert secret not in shown
