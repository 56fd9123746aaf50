"""A mail server on a loopback port: real SMTP on real sockets, for smtplib cannot be mounted on
anything else. It costs no virtual time.

Its faults are those of a mail server: 421 for `503`, 451 for `429`, 535 for `401`, 550 for
`quota`; a lost answer is a line that is cut once the mail is taken (nobody waits in real time for
a silence), and a slow one comes after half a real second.
"""

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session

from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.reception import Reception

_SLOW_S = 0.5
_RESET = struct.pack("ii", 1, 0)  # close with RST instead of FIN
_TAKEN = "250 OK"
_REFUSALS: Mapping[FaultKind, str] = {
    FaultKind.UNAVAILABLE: "421 4.3.2 Service not available, closing transmission channel",
    FaultKind.BUSY: "451 4.7.1 Try again later",
    FaultKind.CREDENTIALS: "535 5.7.8 Authentication credentials invalid",
    FaultKind.QUOTA: "550 5.4.5 Daily sending quota exceeded",
}
_AT_ONCE = frozenset({FaultKind.UNAVAILABLE})  # met before anything else is said
_CUT = frozenset({FaultKind.TIMEOUT, FaultKind.RESET_AFTER})


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was taken, whether the sender was told or not."""

    at: datetime
    sender: str
    receivers: tuple[str, ...]
    message_id: str
    subject: str
    content: bytes


class SmtpServer:
    """Serves until closed. Plain or with a login; no TLS: loopback only. Raises OSError when
    there is no port. Keeps each mail as an arrival `mail` with its Message-ID."""

    user = "sandbox"
    password = "sandbox"  # noqa: S105 - of a server that nobody else can reach

    def __init__(self, reception: Reception, *, port: int = 0) -> None:
        self.reception = reception
        self.mails: list[Mail] = []
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own
        self._listener = socket.create_server(("127.0.0.1", port))
        self.host, self.port = self._listener.getsockname()
        self._loop = asyncio.new_event_loop()
        self._is_over = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="mail-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut the lines that are open."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()

    def keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        head = message_from_bytes(content, policy=policy.default)
        mail = Mail(
            at=self.reception.clock.now(),
            sender=envelope.mail_from or "",
            receivers=tuple(envelope.rcpt_tos),
            message_id=str(head["Message-ID"] or ""),
            subject=str(head["Subject"] or ""),
            content=content,
        )
        self.mails.append(mail)
        self.reception.keep("mail", mail.message_id)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._listen())
        finally:
            self._loop.close()

    async def _listen(self) -> None:
        lines: list[_Line] = []

        def open_line() -> _Line:
            lines.append(_Line(self, self._loop))
            return lines[-1]

        server = await self._loop.create_server(open_line, sock=self._listener)
        await self._is_over.wait()
        server.close()
        for line in lines:
            line.cut()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        await asyncio.gather(*others, return_exceptions=True)


class _Line(SMTP):
    """One connection."""

    def __init__(self, server: SmtpServer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            _Hooks(server),
            hostname="sandbox.invalid",
            ident="ESMTP",
            authenticator=_authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    def cut(self, *, is_reset: bool = False) -> None:
        transport = self.transport
        if not isinstance(transport, asyncio.Transport):
            return
        if is_reset:
            line = transport.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


class _Hooks:
    """What aiosmtpd asks at each command of one connection."""

    def __init__(self, server: SmtpServer) -> None:
        self.mail_server, self.reception = server, server.reception
        self.fault: FaultKind | None = None

    async def handle_EHLO(
        self, server: _Line, session: Session, envelope: Envelope, hostname: str, said: list[str]
    ) -> list[str]:
        del server, envelope
        session.host_name = hostname
        refusal = self._greet("EHLO")
        return [refusal] if refusal else said

    async def handle_HELO(
        self, server: _Line, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        del envelope
        session.host_name = hostname
        return self._greet("HELO") or f"250 {server.hostname}"

    async def handle_NOOP(
        self, server: _Line, session: Session, envelope: Envelope, arg: str
    ) -> str:
        del server, session, envelope, arg
        return self._greet("NOOP") or _TAKEN

    async def handle_AUTH(
        self, server: _Line, session: Session, envelope: Envelope, args: list[str]
    ) -> object:
        """MISSING: aiosmtpd goes on by itself."""
        del server, session, envelope, args
        is_refused = self.fault is FaultKind.CREDENTIALS
        return _REFUSALS[FaultKind.CREDENTIALS] if is_refused else MISSING

    async def handle_MAIL(
        self, server: _Line, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session
        self.fault = self.reception.meet("MAIL", is_work=True)
        refusal = _REFUSALS.get(self.fault) if self.fault else None
        if refusal is None:
            envelope.mail_from, envelope.mail_options = address, options
        return refusal or _TAKEN

    async def handle_DATA(self, server: _Line, session: Session, envelope: Envelope) -> str:
        del session
        self.mail_server.keep(envelope)
        if self.fault in _CUT:
            server.cut(is_reset=self.fault is FaultKind.RESET_AFTER)
        if self.fault is FaultKind.SLOW:
            await asyncio.sleep(_SLOW_S)
        return "<html>" if self.fault is FaultKind.GARBAGE else _TAKEN

    def _greet(self, command: str) -> str | None:
        self.fault = self.reception.meet(command, is_work=False)
        return _REFUSALS[self.fault] if self.fault in _AT_ONCE else None


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object
) -> AuthResult:
    del server, session, envelope, mechanism
    is_right = login == LoginPassword(SmtpServer.user.encode(), SmtpServer.password.encode())
    return AuthResult(success=is_right, handled=False)
