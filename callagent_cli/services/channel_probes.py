"""Whether the next alert would arrive, as far as that shows without sending one."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import RefusalKind, ServiceError, ServiceRefused, TransientError
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.services.checkup import Checkup
from callagent_cli.services.email import MailServer, connect, sort
from callagent_cli.services.http_session import Answer, HttpSession, Timeouts

_QUICK = Timeouts(connect_s=3.0, read_s=4.0, total_s=5.0)
_STEP_S = 3.0  # of a mail server's or a handshake's
_LOGIN_EVERY = timedelta(minutes=5)  # a mail server may lock out who logs in more often


class TelegramProber:
    """A ports.Prober: asks who the bot is and whether it sees the chat; nobody is told.

    session: its base URL ends in `/bot<token>`.
    """

    service = "telegram"

    def __init__(self, session: HttpSession, *, chat_id: str, clock: Clock) -> None:
        self._session, self._chat_id, self._clock = session, chat_id, clock

    def probe(self) -> Health:
        checkup = Checkup(self.service, self._clock)
        try:
            return self._look(checkup)
        except ServiceError as error:
            return checkup.failed(error)

    def _look(self, checkup: Checkup) -> Health:
        status, _ = self._ask("/getMe", {})
        if status != 200:
            return checkup.misconfigured("the bot's token is refused", "check TELEGRAM_BOT_TOKEN")
        status, body = self._ask("/getChat", {"chat_id": self._chat_id})
        match status, body:
            case 200, _:
                return checkup.well("the token is valid and the bot sees the chat")
            case 400, {"parameters": {"migrate_to_chat_id": int() as chat_id}}:
                remedy = f"set alerts.telegram.chat_id: {chat_id}"
                return checkup.misconfigured("the group has become a supergroup", remedy)
            case 403, _:
                remedy = "add the bot to the chat again, or unblock it"
                return checkup.misconfigured("the bot was removed or blocked", remedy)
            case _:
                remedy = "check alerts.telegram.chat_id; the reader must press Start first"
                return checkup.misconfigured("the bot does not know the chat", remedy)

    def _ask(self, path: str, query: Mapping[str, str]) -> tuple[int, object]:
        """Status and body: of 200, or of a refusal. Raises ServiceError for the rest."""
        answer = self._session.send("GET", path, params=query, is_repeatable=True, timeouts=_QUICK)
        body, status = _json(answer), answer.status
        is_telegram = isinstance(body, dict) and isinstance(body.get("ok"), bool)
        if is_telegram and (status == 200 or (400 <= status < 500 and status not in (408, 429))):
            return status, body
        text = f"{status} from telegram" if status != 200 else "an answer that is not Telegram's"
        raise TransientError(self.service, text, http_status=status)


def _json(answer: Answer) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


class EmailProber:
    """A ports.Prober: connects, encrypts, logs in and leaves; no mail. What a login has shown is
    believed for five minutes."""

    service = "email"

    def __init__(self, server: MailServer, *, clock: Clock) -> None:
        self._server, self._clock = server, clock
        self._last: Health | None = None

    def probe(self) -> Health:
        last = self._last
        if last and timedelta(0) <= self._clock.now() - last.checked_at < _LOGIN_EVERY:
            return last
        found = self._look(Checkup(self.service, self._clock))
        self._last = None if found.status is HealthStatus.DOWN else found
        return found

    def _look(self, checkup: Checkup) -> Health:
        try:
            with connect(self._server, _STEP_S) as smtp:
                code, _ = smtp.noop()
        except ssl.SSLCertVerificationError:
            remedy = "let SMTP_HOST be a name in the certificate, and let this machine trust it"
            return checkup.misconfigured("the mail server's certificate is not valid", remedy)
        except ssl.SSLError as error:
            if error.reason == "WRONG_VERSION_NUMBER":  # it speaks, and not TLS
                remedy = "check alerts.email.security and SMTP_PORT: starttls is 587, tls is 465"
                return checkup.misconfigured("the mail server's port does not begin TLS", remedy)
            return checkup.failed(sort(error))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return checkup.failed(sort(error))
        if code >= 400:
            return checkup.down(f"the mail server answered {code}")
        proved = "encrypted and logged in" if self._server.user else "reached"
        return checkup.well(f"{proved}; whether a mail is accepted shows when one is sent")


class WebhookProber:
    """A ports.Prober: an event is never posted to try; the receiver may act on it.

    health: asks the receiver's own health page with GET; without it, only the line to the
    host of `url` is tried, and the certificate.
    """

    service = "webhook"

    def __init__(self, url: str, *, clock: Clock, health: HttpSession | None = None) -> None:
        self._url, self._clock, self._health = url, clock, health

    def probe(self) -> Health:
        checkup = Checkup(self.service, self._clock)
        try:
            if self._health is not None:
                return self._ask(checkup, self._health)
            self._reach()
        except ServiceError as error:
            return checkup.failed(error)
        return checkup.well("reachable, acceptance unproven")

    def _ask(self, checkup: Checkup, health: HttpSession) -> Health:
        answer = health.send("GET", "", is_repeatable=True, timeouts=_QUICK)
        if answer.status < 300:
            return checkup.well("its health page is well")
        if answer.status >= 500 or answer.status in (408, 429):
            raise TransientError(
                self.service, f"{answer.status} from webhook", http_status=answer.status
            )
        fault = f"its health page answers {answer.status}"
        return checkup.warned(fault, "check the health URL of the webhook")

    def _reach(self) -> None:
        """TCP, and TLS for https. Sends no request."""
        try:
            where = urlsplit(self._url)
            is_tls, host = where.scheme == "https", where.hostname or ""
            address = (host, where.port or (443 if is_tls else 80))
            with contextlib.ExitStack() as open_lines:
                line = open_lines.enter_context(socket.create_connection(address, _STEP_S))
                if is_tls:
                    context = ssl.create_default_context()
                    open_lines.enter_context(context.wrap_socket(line, server_hostname=host))
        except (OSError, ValueError) as error:
            raise _unreached(error) from None


def _unreached(error: Exception) -> ServiceError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _wrong("the webhook's certificate is not valid", _WHO)
    if isinstance(error, ValueError):  # also of a name that cannot be one
        return _wrong("the webhook's URL is not usable", "correct alerts.webhook.url")
    if isinstance(error, socket.gaierror):
        reason = "its name cannot be resolved"
    elif isinstance(error, ssl.SSLError):
        reason = "TLS failed"
    else:
        reason = "no connection in time" if isinstance(error, TimeoutError) else "no connection"
    return TransientError("webhook", f"the webhook cannot be reached: {reason}")


_WHO = "check the clock, and who answers on this network"


def _wrong(fault: str, hint: str) -> ServiceRefused:
    return ServiceRefused("webhook", fault, kind=RefusalKind.CONFIG, hint=hint)
