"""A published sheet, fetched over HTTP from a server that stands where Google's hosts are."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from callagent_cli.domain.errors import InputError, ServiceError, ThrottledError, TransientError
from callagent_cli.intake.source import PublishedSheet, source_of
from callagent_cli.services import published_sheet
from callagent_cli.wiring.google_contacts import published_csv
from tests.support.hand_clock import HandClock

CSV = b"phone,name\r\n+12025550101,Ada\r\n"
TYPED = "https://docs.google.com/spreadsheets/d/e/2PACX-abcdef/pub?output=csv"
CONTENT = "https://doc-0c-sheets.googleusercontent.com/pub/abc?output=csv&key=1"

Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {"Content-Type": "text/csv"}, CSV)


def moved(to: str, status: int = 307) -> Answer:
    return status, {"Location": to}, b""


class Google:
    """answers: in turn, the last for ever. asked: host and path of each request."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [OK]
        self.asked: list[str] = []
        handler = type("Handler", (_Handler,), {"google": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fetch(self) -> bytes:
        source = source_of(TYPED)
        assert isinstance(source, PublishedSheet)
        return published_csv(source, HandClock(), _To(self, self._server.server_port))


class _To(HTTPAdapter):
    """Takes a request for Google to the server of the test."""

    def __init__(self, google: Google, port: int) -> None:
        self._google, self._port = google, port
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        asked = urlsplit(request.url or "")
        assert asked.scheme == "https"
        self._google.asked.append(f"{asked.netloc}{asked.path}")
        request.url = f"http://127.0.0.1:{self._port}{asked.path}?{asked.query}"
        return super().send(request, *args, **more)


class _Handler(BaseHTTPRequestHandler):
    google: ClassVar[Google]

    def do_GET(self) -> None:
        answers = self.google.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
        del format, args


@pytest.fixture
def google() -> Iterator[Google]:
    running = Google()
    yield running
    running.close()


def test_the_sheet_is_fetched_as_csv(google: Google) -> None:
    assert google.fetch() == CSV
    assert google.asked == ["docs.google.com/spreadsheets/d/e/2PACX-abcdef/pub"]


def test_googles_own_redirects_are_followed(google: Google) -> None:
    google.answers = [moved(CONTENT), moved("/else?x=1", 302), OK]
    assert google.fetch() == CSV
    assert google.asked[1:] == [
        "doc-0c-sheets.googleusercontent.com/pub/abc",
        "doc-0c-sheets.googleusercontent.com/else",
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (moved("https://accounts.google.com/ServiceLogin?continue=x"), "is not published"),
        (moved("https://evil.example.com/x"), "leads away from Google"),
        (moved("https://evilgoogleusercontent.com/x"), "leads away from Google"),
        (moved("http://docs.google.com/x"), "leads away from Google"),
        (moved("//evil.example.com/x"), "leads away from Google"),
        (moved("https://x.googleusercontent.com:444/x"), "leads away from Google"),
        (moved(""), "leads away from Google"),
        ((404, {}, b""), "no such published sheet (it answered 404)"),
        ((410, {}, b""), "no such published sheet (it answered 410)"),
        ((401, {}, b""), "is not published"),
        ((403, {}, b""), "is not published"),
        ((200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"), "is not published"),
    ],
)
def test_what_is_no_published_sheet_is_told_and_not_asked_again(
    google: Google, answer: Answer, message: str
) -> None:
    google.answers = [answer]
    with pytest.raises(InputError) as caught:
        google.fetch()
    assert message in caught.value.message
    assert caught.value.hint
    assert len(google.asked) == 1


def test_google_is_asked_again_when_it_is_busy(google: Google) -> None:
    google.answers = [(503, {}, b""), (500, {}, b""), OK]
    assert google.fetch() == CSV


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((503, {}, b""), TransientError),
        ((429, {}, b""), ThrottledError),
        (moved("/round"), TransientError),
    ],
)
def test_what_may_pass_is_no_fault_of_the_input(
    google: Google, answer: Answer, kind: type[ServiceError]
) -> None:
    google.answers = [answer]
    with pytest.raises(kind):
        google.fetch()


def test_more_than_may_be_taken_is_told_once(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callagent_cli.wiring.google_contacts.MOST_BYTES", 1000)
    google.answers = [(200, {"Content-Type": "text/csv"}, bytes(2000))]
    with pytest.raises(InputError, match="larger than 50 MB") as caught:
        google.fetch()
    assert "download it as CSV" in caught.value.hint
    assert len(google.asked) == 1
    assert published_sheet.MOST_BYTES == 50_000_000
