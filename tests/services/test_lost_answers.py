"""What a dial's answer, or its absence, proves: each row against a real socket."""

import gzip
import json
import socket
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.domain.call import Script, Ticket
from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.services.elevenlabs import ElevenLabs
from tests.services.conftest import KEY, NUMBER
from tests.support.socket_server import (
    Script as Lines,
)
from tests.support.socket_server import (
    SocketServer,
    drip,
    raw,
    reply,
    reset_after_reading,
    reset_before_reading,
    silence,
)

At = Callable[[str], ElevenLabs]
PLACED = b'{"success": true, "message": "ok", "conversation_id": "conv_1", "callSid": "CA1"}'


def _placed_with(**changes: object) -> bytes:
    return json.dumps({**json.loads(PLACED), **changes}).encode()


def _detail(status: str) -> bytes:
    return json.dumps({"detail": {"status": status, "message": f"about {NUMBER}"}}).encode()


UNCLEAR: dict[str, Lines] = {
    "no answer in time": silence,
    "reset after reading": reset_after_reading,
    "reset before reading": reset_before_reading,
    "closed without a word": raw(b""),
    "cut body": reply("200 OK", PLACED[:40], length=len(PLACED)),
    "html": reply("200 OK", b"<html>welcome</html>"),
    "success without an id": reply("200 OK", _placed_with(conversation_id=None)),
    "id that is no text": reply("200 OK", _placed_with(conversation_id=7)),
    "success that is no truth value": reply("200 OK", _placed_with(success="yes")),
    "a list": reply("200 OK", b"[]"),
    "not a number": reply("200 OK", b'{"success": NaN}'),
    "a number of 5,000 digits": reply("200 OK", b'{"success": ' + b"9" * 5000 + b"}"),
    "nested 100,000 deep": reply("200 OK", b"[" * 100_000),
    "10 MB": reply("200 OK", b"x" * 10_000_000),
    "gzip bomb": reply("200 OK", gzip.compress(b"\0" * 50_000_000), "Content-Encoding: gzip\r\n"),
    "body that drips": drip(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, every_s=0.05
    ),
    "head that drips": drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000, every_s=0.05),
    "500": reply("500 Oops", b"<html>"),
    "502": reply("502 Bad Gateway"),
    "504": reply("504 Gateway Timeout"),
    "408": reply("408 Request Timeout"),
    "409": reply("409 Conflict", b"{}"),
    "304": reply("304 Not Modified"),
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_an_unclear_answer_to_a_dial_is_ambiguous(
    what: str, dialer_at: At, ticket: Ticket, script: Script
) -> None:
    with SocketServer([UNCLEAR[what]]) as server, pytest.raises(AmbiguousError) as caught:
        dialer_at(server.url).place(ticket, script)
    assert server.connections == 1, "one request, whatever the answer"
    _holds_no_secret(caught.value)


CLEAR: dict[str, tuple[Lines, type[ServiceError]]] = {
    "503": (reply("503 Service Unavailable", b"<html>"), TransientError),
    "429 busy": (reply("429 Slow", _detail("system_busy")), TransientError),
    "429 plan": (reply("429 Slow", _detail("too_many_concurrent_requests")), ThrottledError),
    "401": (reply("401 No", _detail("invalid_api_key")), ServiceRefused),
    "401 quota": (reply("401 No", _detail("quota_exceeded")), ServiceRefused),
    "402": (reply("402 Pay", b"{}"), ServiceRefused),
    "403": (reply("403 No", b'{"detail": "Forbidden"}'), ServiceRefused),
    "404": (reply("404 No", _detail("document_not_found")), ServiceRefused),
    "400": (reply("400 Bad", b'{"detail": "bad number"}'), ContactError),
    "422": (
        reply("422 Bad", b'{"detail": [{"loc": ["body", "to_number"], "msg": "bad"}]}'),
        ContactError,
    ),
    "success false": (
        reply("200 OK", _placed_with(success=False, conversation_id=None)),
        ContactError,
    ),
    "success false, account": (
        reply("200 OK", _placed_with(success=False, message="Twilio 21215: geo permission")),
        ServiceRefused,
    ),
}


@pytest.mark.parametrize("what", CLEAR)
def test_a_clear_answer_says_that_no_phone_rang(
    what: str, dialer_at: At, ticket: Ticket, script: Script
) -> None:
    lines, expected = CLEAR[what]
    with SocketServer([lines]) as server, pytest.raises(expected) as caught:
        dialer_at(server.url).place(ticket, script)
    assert type(caught.value) is expected
    _holds_no_secret(caught.value)


def test_a_quota_is_told_from_a_bad_key(dialer_at: At, ticket: Ticket, script: Script) -> None:
    with SocketServer([CLEAR["401 quota"][0]]) as server, pytest.raises(ServiceRefused) as quota:
        dialer_at(server.url).place(ticket, script)
    with SocketServer([CLEAR["401"][0]]) as server, pytest.raises(ServiceRefused) as key:
        dialer_at(server.url).place(ticket, script)
    assert (quota.value.kind, key.value.kind) == ("quota", "credentials")


def test_a_refused_connection_was_never_sent(
    dialer_at: At, ticket: Ticket, script: Script
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(TransientError, match="refused"):
        dialer_at(f"http://127.0.0.1:{port}").place(ticket, script)


def test_a_name_that_does_not_resolve_was_never_sent(
    dialer_at: At, ticket: Ticket, script: Script
) -> None:
    with pytest.raises(TransientError, match="name"):
        dialer_at("https://nobody.invalid").place(ticket, script)


def test_a_certificate_that_nobody_vouches_for_is_refused_before_sending(
    dialer_at: At, ticket: Ticket, script: Script, tmp_path: Path
) -> None:
    import ssl
    import threading

    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line:
            try:
                received.append(context.wrap_socket(line, server_side=True).recv(1000))
            except ssl.SSLError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ServiceRefused, match="certificate"):
            dialer_at(url).place(ticket, script)
        thread.join(5)
    assert received in ([], [b""])


def test_a_redirect_is_not_followed_and_takes_no_key_elsewhere(
    dialer_at: At, ticket: Ticket, script: Script
) -> None:
    with SocketServer([reply("200 OK", PLACED)]) as elsewhere:
        moved = reply("307 Moved", headers=f"Location: {elsewhere.url}/v1\r\n")
        with SocketServer([moved]) as server, pytest.raises(AmbiguousError):
            dialer_at(server.url).place(ticket, script)
        assert elsewhere.connections == 0


def test_each_dial_has_a_connection_of_its_own(
    dialer_at: At, ticket: Ticket, script: Script
) -> None:
    keep = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PLACED), PLACED)
    with SocketServer([raw(keep)]) as server:
        dialer = dialer_at(server.url)
        dialer.place(ticket, script)
        dialer.place(ticket, script)
        assert server.connections == 2


def test_a_lost_answer_to_a_read_is_transient(dialer_at: At) -> None:
    for lines in (silence, reset_after_reading, reply("500 Oops"), reply("200 OK", b"<html>")):
        with SocketServer([lines]) as server, pytest.raises(TransientError):
            dialer_at(server.url).read("conv_1")


def test_retry_after_is_heard_in_seconds_and_as_a_date(
    dialer_at: At, ticket: Ticket, script: Script
) -> None:
    with (
        SocketServer([reply("503 Later", headers="Retry-After: 7\r\n")]) as server,
        pytest.raises(TransientError) as caught,
    ):
        dialer_at(server.url).place(ticket, script)
    assert caught.value.retry_after_s == 7
    past = "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n"
    with (
        SocketServer([reply("503 Later", headers=past)]) as server,
        pytest.raises(TransientError) as caught,
    ):
        dialer_at(server.url).place(ticket, script)
    assert caught.value.retry_after_s == 0


def _holds_no_secret(error: BaseException) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error)
    for secret in (KEY, NUMBER, NUMBER[1:]):
        assert secret not in shown
