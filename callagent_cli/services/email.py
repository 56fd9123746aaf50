"""Alerts by e-mail: plain text and HTML, over STARTTLS or TLS with the certificate verified."""

import html
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from callagent_cli.domain.alert import Alert
from callagent_cli.domain.errors import RefusalKind, ServiceError, ServiceRefused, TransientError
from callagent_cli.services.alert_text import lines, plain, subject

_TIMEOUT_S = 20.0
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    security: str  # starttls, tls, none
    port: int | None = None  # None: the usual one
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"MailServer({self.host})"


class EmailChannel:
    """An AlertChannel."""

    name = "email"

    def __init__(self, server: MailServer, *, sender: str, receivers: Sequence[str]) -> None:
        self._server, self._sender, self._receivers = server, sender, tuple(receivers)

    def send(self, alert: Alert) -> None:
        """One connection, one message. A repeat has the same Message-ID."""
        try:
            with connect(self._server, _TIMEOUT_S) as smtp:
                refused = smtp.send_message(self._message(alert))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise sort(error) from None
        if refused:
            text = f"{len(refused)} of {len(self._receivers)} receivers were refused"
            raise ServiceRefused(
                self.name, text, kind=RefusalKind.CONFIG, hint="check alerts.email.to"
            )

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = subject(alert)
        message["From"], message["To"] = self._sender, ", ".join(self._receivers)
        message["Date"] = format_datetime(alert.at)
        mark = "".join(c if c.isalnum() else "-" for c in alert.key)
        message["Message-ID"] = f"<{mark}@{self._sender.rpartition('@')[2] or 'callagent'}>"
        message.set_content(plain(alert))
        rows = "".join(
            f"<dt><b>{html.escape(heading)}</b></dt><dd>{html.escape(text)}</dd>"
            for heading, text in lines(alert)
        )
        message.add_alternative(
            f"<h3>{html.escape(subject(alert))}</h3><dl>{rows}</dl>", subtype="html"
        )
        return message


def connect(server: MailServer, timeout_s: float) -> smtplib.SMTP:
    """Greeted, encrypted and logged in as the settings say; `timeout_s` bounds each step. Raises
    what smtplib raises: see `sort`."""
    port = server.port or _PORTS[server.security]
    context = ssl.create_default_context()  # verifies; starttls() without one does not
    if server.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, port, timeout=timeout_s, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, port, timeout=timeout_s)
    try:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def sort(error: Exception) -> ServiceError:
    """4xx and lost lines may pass; 5xx, certificates and wrong settings need a person."""
    code = getattr(error, "smtp_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((answer[0] for answer in error.recipients.values()), default=550)
    said = (
        f"the mail server answered {code}" if code else f"no mail server: {type(error).__name__}"
    )
    permanent = (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError, ValueError)
    if isinstance(error, permanent) or (isinstance(code, int) and code >= 500):
        kind = RefusalKind.CREDENTIALS if code in (530, 534, 535) else RefusalKind.CONFIG
        hint = "check SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASS and alerts.email"
        return ServiceRefused("email", said, kind=kind, http_status=None, hint=hint)
    return TransientError("email", said)
