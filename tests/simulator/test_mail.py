"""The simulated mail server, through smtplib and real sockets."""

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan, parse_fault
from callagent_cli.simulator.mail import SmtpServer
from callagent_cli.simulator.reception import Reception
from callagent_cli.simulator.virtual_clock import VirtualClock

PATIENCE_S = 20.0


def server_with(clock: VirtualClock, *faults: Fault) -> SmtpServer:
    return SmtpServer(Reception("smtp", clock, FaultPlan(faults)))


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SmtpServer]:
    with closing(server_with(clock)) as running:
        yield running


def letter(number: int = 1) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"Ärger {number}"
    message["From"], message["To"] = "a@example.com", "b@example.com, c@example.com"
    message["Message-ID"] = f"<{number}@example.com>"
    message.set_content("Text\n.dot\n")
    return message


def send(server: SmtpServer, number: int = 1, *, password: str = "sandbox") -> None:
    with smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S) as line:
        line.login(server.user, password)
        assert line.send_message(letter(number)) == {}


def test_mail_is_taken_and_kept_whole(server: SmtpServer) -> None:
    send(server)
    (mail,) = server.mails
    assert (mail.sender, mail.receivers) == ("a@example.com", ("b@example.com", "c@example.com"))
    assert (mail.message_id, mail.subject) == ("<1@example.com>", "Ärger 1")
    assert b"\r\n.dot\r\n" in mail.content
    assert server.reception.keys("mail") == ["<1@example.com>"]


def test_sender_need_not_log_in_but_a_wrong_password_is_refused(server: SmtpServer) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S) as line:
        line.send_message(letter())
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        send(server, password="wrong")
    assert refused.value.smtp_code == 535
    assert len(server.mails) == 1


def test_mails_are_kept_in_the_order_they_came(server: SmtpServer) -> None:
    for number in range(5):
        send(server, number)
    assert [mail.subject for mail in server.mails] == [f"Ärger {n}" for n in range(5)]


def test_many_senders_at_once(server: SmtpServer) -> None:
    threads = [threading.Thread(target=send, args=(server, n)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert {mail.message_id for mail in server.mails} == {f"<{n}@example.com>" for n in range(10)}


@pytest.mark.parametrize(
    ("kind", "code"), [("503", 421), ("429", 451), ("401", 535), ("quota", 550)]
)
def test_refusals_have_the_codes_of_a_mail_server(
    clock: VirtualClock, kind: str, code: int
) -> None:
    with closing(server_with(clock, Fault("smtp", FaultKind(kind)))) as server:
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            send(server)
        assert refused.value.smtp_code == code
        assert server.mails == []


def test_outage_shows_in_a_check_that_sends_nothing(clock: VirtualClock) -> None:
    with (
        closing(server_with(clock, Fault("smtp", FaultKind.UNAVAILABLE))) as server,
        smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S) as line,
    ):
        assert line.noop()[0] == 421


@pytest.mark.parametrize("kind", ["timeout", "reset-after", "garbage"])
def test_mail_whose_answer_is_lost_was_taken(clock: VirtualClock, kind: str) -> None:
    fault = parse_fault(f"smtp:{kind}")
    with closing(server_with(clock, fault)) as server:
        with pytest.raises((smtplib.SMTPException, ConnectionError)):
            send(server, 1)
        send(server, 2)
        assert server.reception.keys("mail") == ["<1@example.com>", "<2@example.com>"]


def test_slow_mail_costs_no_virtual_time(clock: VirtualClock) -> None:
    with closing(server_with(clock, Fault("smtp", FaultKind.SLOW))) as server:
        send(server)
        assert len(server.mails) == 1
        assert clock.monotonic() == 0.0


def test_outage_without_times_begins_with_the_first_mail_and_ends(clock: VirtualClock) -> None:
    with closing(server_with(clock, parse_fault("smtp"))) as server:
        with smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S) as line:
            assert line.noop()[0] == 250, "it has not begun"
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            send(server)
        assert refused.value.smtp_code == 421
        clock.signal().wait(95)
        send(server)
    assert len(server.mails) == 1
    assert server.mails[0].at == datetime(2026, 11, 23, 18, 1, 35, tzinfo=UTC)


def test_closed_server_answers_nobody_not_even_on_an_open_line(server: SmtpServer) -> None:
    line = smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S)
    server.close()
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        line.docmd("NOOP")
    line.close()
    with socket.socket() as another, pytest.raises(ConnectionRefusedError):
        another.connect((server.host, server.port))
    server.close()
