"""Probes of the alert channels against real servers: nothing is sent, and the truth is told."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult, LoginPassword

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.channel_probes import EmailProber, TelegramProber, WebhookProber
from callagent_cli.services.email import MailServer
from callagent_cli.services.http_session import HttpSession, Timeouts
from tests.support.hand_clock import HandClock
from tests.support.socket_server import Script, SocketServer, reply, silence

TOKEN, PASSWORD, PATH = "123456:canary-token-4411", "canary-pass-7712", "canary-path-6650"
OK, DEGRADED = HealthStatus.OK, HealthStatus.DEGRADED
DOWN, MISCONFIGURED = HealthStatus.DOWN, HealthStatus.MISCONFIGURED

SEEN = reply("200 OK", b'{"ok": true, "result": {"id": 1}}')
MOVED = b'{"ok": false, "error_code": 400, "parameters": {"migrate_to_chat_id": -1009}}'


def _session(service: str, url: str) -> HttpSession:
    limits = Timeouts(connect_s=0.4, read_s=0.4, total_s=0.8)
    return HttpSession(service, url, headers={}, timeouts=limits, clock=SystemClock())


def _refusal(status: int) -> Script:
    return reply(f"{status} No", b'{"ok": false, "error_code": %d}' % status)


def _telegram(url: str) -> TelegramProber:
    session = _session("telegram", f"{url}/bot{TOKEN}")
    return TelegramProber(session, chat_id="-42", clock=SystemClock())


def test_telegram_is_asked_who_the_bot_is_and_whether_it_sees_the_chat() -> None:
    with SocketServer([SEEN]) as server:
        health = _telegram(server.url).probe()
    assert (health.service, health.status) == ("telegram", OK)
    assert health.latency_ms is not None
    asked = [request.split(b"\r\n")[0].decode() for request in server.requests]
    assert asked == [
        f"GET /bot{TOKEN}/getMe HTTP/1.1",
        f"GET /bot{TOKEN}/getChat?chat_id=-42 HTTP/1.1",
    ]


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ([_refusal(401)], MISCONFIGURED, "TELEGRAM_BOT_TOKEN"),
        ([_refusal(404)], MISCONFIGURED, "TELEGRAM_BOT_TOKEN"),
        ([SEEN, _refusal(400)], MISCONFIGURED, "chat_id"),
        ([SEEN, reply("400 Bad", MOVED)], MISCONFIGURED, "-1009"),
        ([SEEN, _refusal(403)], MISCONFIGURED, "add the bot"),
        ([_refusal(429)], DEGRADED, ""),
        ([SEEN, _refusal(429)], DEGRADED, ""),
        ([reply("502 Bad", b"<html>")], DOWN, "by itself"),
        ([reply("404 No", b"<html>a portal")], DOWN, "by itself"),
        ([reply("200 OK", b"<html>a portal")], DOWN, "by itself"),
        ([reply("200 OK", b"[]")], DOWN, "by itself"),
        ([silence], DOWN, "by itself"),
    ],
)
def test_a_telegram_that_is_not_well_says_what_to_do(
    answers: list[Script], status: HealthStatus, words: str
) -> None:
    with SocketServer(answers) as server:
        health = _telegram(server.url).probe()
    assert health.status is status
    assert words in health.remedy
    assert TOKEN not in repr(health)


# --- mail ------------------------------------------------------------------------------------


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
def context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate[1], certificate[0])
    return made


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))


class Listening(Sink):
    """Counts logins, and refuses to be sent anything."""

    def __init__(self) -> None:
        super().__init__()
        self.logins = 0

    def authenticate(
        self, server: object, session: object, envelope: object, kind: str, data: Any
    ) -> Any:
        self.logins += 1
        is_known = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=is_known, handled=False)

    async def handle_MAIL(self, *args: object) -> str:
        raise AssertionError("a probe sends no mail")


@pytest.fixture
def mail(context: ssl.SSLContext) -> Iterator[tuple[Listening, int]]:
    listening = Listening()
    controller = Controller(
        listening,
        hostname="127.0.0.1",
        port=_free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=listening.authenticate,
    )
    controller.start()
    yield listening, controller.port
    controller.stop()


def _free_port() -> int:
    with SocketServer([silence]) as server:
        return int(server.url.rpartition(":")[2])


def _mail_server(port: int, *, security: str = "starttls", password: str = PASSWORD) -> MailServer:
    return MailServer("localhost", security, port, "ops", password)


@pytest.mark.usefixtures("trusted")
def test_mail_is_probed_by_a_login_and_no_mail(mail: tuple[Listening, int]) -> None:
    health = EmailProber(_mail_server(mail[1]), clock=HandClock()).probe()
    assert (health.service, health.status) == ("email", OK)
    assert "logged in" in health.detail
    assert mail[0].logins == 1


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("password", "status"), [(PASSWORD, OK), ("wrong", MISCONFIGURED)])
def test_a_login_is_not_tried_again_for_five_minutes(
    password: str, status: HealthStatus, mail: tuple[Listening, int]
) -> None:
    clock = HandClock()
    prober = EmailProber(_mail_server(mail[1], password=password), clock=clock)
    assert prober.probe().status is status
    once = mail[0].logins  # smtplib offers a refused password in two ways
    for _ in range(4):
        clock.advance(59)
        assert prober.probe().status is status
    assert mail[0].logins == once
    clock.advance(65)
    prober.probe()
    assert mail[0].logins == 2 * once


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_names_the_settings_and_shows_none(mail: tuple[Listening, int]) -> None:
    server = _mail_server(mail[1], password="canary-wrong-1")
    health = EmailProber(server, clock=HandClock()).probe()
    assert health.status is MISCONFIGURED
    assert "SMTP_PASS" in health.remedy
    assert "canary-wrong-1" not in repr(health)


def test_a_mail_server_that_nobody_vouches_for_is_misconfigured(
    mail: tuple[Listening, int],
) -> None:
    health = EmailProber(_mail_server(mail[1]), clock=HandClock()).probe()
    assert health.status is MISCONFIGURED
    assert "certificate" in health.detail
    assert mail[0].logins == 0


def test_tls_at_a_starttls_port_says_which_port_is_which(mail: tuple[Listening, int]) -> None:
    health = EmailProber(_mail_server(mail[1], security="tls"), clock=HandClock()).probe()
    assert health.status is MISCONFIGURED
    assert "465" in health.remedy


def _says(line: bytes) -> Script:
    def script(connection: Any, over: object) -> None:
        del over
        connection.sendall(line)

    return script


@pytest.mark.parametrize("script", [_says(b"421 busy\r\n"), _says(b"")])
def test_a_mail_server_that_has_a_bad_day_is_down_and_asked_again(script: Script) -> None:
    with SocketServer([script]) as server:
        port = int(server.url.rpartition(":")[2])
        prober = EmailProber(MailServer("127.0.0.1", "none", port), clock=HandClock())
        assert prober.probe().status is DOWN
        assert prober.probe().status is DOWN
        assert server.connections == 2


def test_a_mail_server_that_is_away_is_down() -> None:
    server = MailServer("127.0.0.1", "none", _free_port())
    assert EmailProber(server, clock=HandClock()).probe().status is DOWN


# --- webhook ---------------------------------------------------------------------------------


def _webhook(url: str) -> WebhookProber:
    return WebhookProber(f"{url}/{PATH}", clock=SystemClock())


def test_a_webhook_is_reached_and_sent_nothing() -> None:
    with SocketServer([reply("200 OK")]) as server:
        health = _webhook(server.url).probe()
    assert (health.status, health.detail) == (OK, "reachable, acceptance unproven")
    assert [request for request in server.requests if request] == []


def _greet(context: ssl.SSLContext) -> Script:
    """The server's side of a handshake, and nothing more."""

    def script(connection: Any, over: object) -> None:
        del over
        with context.wrap_socket(connection, server_side=True) as line:
            line.recv(1)

    return script


@pytest.mark.usefixtures("trusted")
def test_a_webhook_over_tls_shows_its_certificate(context: ssl.SSLContext) -> None:
    with SocketServer([_greet(context)]) as server:
        health = _webhook(server.url.replace("http://127.0.0.1", "https://localhost")).probe()
    assert health.status is OK


def test_a_webhook_that_nobody_vouches_for_is_misconfigured(context: ssl.SSLContext) -> None:
    with SocketServer([_greet(context)]) as server:
        health = _webhook(server.url.replace("http:", "https:")).probe()
    assert health.status is MISCONFIGURED
    assert "certificate" in health.detail


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:1", DOWN),
        ("http://no-such-host.invalid", DOWN),
        ("http://127.0.0.1:70000", MISCONFIGURED),
        ("http://" + "a" * 300, MISCONFIGURED),
    ],
)
def test_a_webhook_that_cannot_be_reached_says_so_without_its_url(
    url: str, status: HealthStatus
) -> None:
    health = _webhook(url).probe()
    assert health.status is status
    assert health.remedy
    assert PATH not in repr(health)


def test_no_tls_at_a_port_of_a_webhook_is_down() -> None:
    with SocketServer([_says(b"HTTP/1.1 400 Bad\r\n\r\n")]) as server:
        assert _webhook(server.url.replace("http:", "https:")).probe().status is DOWN


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply("200 OK"), OK),
        (reply("204 No Content"), OK),
        (reply("404 No"), DEGRADED),
        (reply("302 Moved", headers="Location: /elsewhere\r\n"), DEGRADED),
        (reply("429 Slow"), DEGRADED),
        (reply("503 Busy"), DOWN),
        (silence, DOWN),
    ],
)
def test_a_webhook_with_a_health_page_is_asked_there(
    answer: Callable[..., None], status: HealthStatus
) -> None:
    with SocketServer([answer]) as server:
        page = _session("webhook", f"{server.url}/health")
        prober = WebhookProber("http://127.0.0.1:1/hook", clock=SystemClock(), health=page)
        assert prober.probe().status is status
    assert server.requests[0].startswith(b"GET /health ")
