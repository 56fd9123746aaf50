"""Alerts through the apprise library itself, to a server of the test's own."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.errors import ServiceRefused, TransientError
from callagent_cli.services.apprise_channel import AppriseChannel
from tests.support.socket_server import Script, SocketServer, reply, reset_after_reading

# what the library's own plugins import
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET, NUMBER = "canary-secret-3317", "+12025550123"


def _alert(kind: AlertKind = AlertKind.INCIDENT_OPENED) -> Alert:
    return Alert(
        key="elevenlabs:1",
        kind=kind,
        at=datetime(2026, 11, 23, 18, tzinfo=UTC),
        service="elevenlabs",
        title=f"elevenlabs is down\r\n{NUMBER}",
        happened="since 18:00 <b>its</b> requests fail",
        meaning="nobody is called",
        automatic="callagent checks and goes on",
        todo="nothing yet",
        command="callagent health",
    )


def _url(server: SocketServer) -> str:
    return server.url.replace("http://", f"json://ops:{SECRET}@") + "/alerts"


def _body(server: SocketServer) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    return parsed


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_of_alert_arrives_as_text(kind: AlertKind) -> None:
    with SocketServer([reply("200 OK")]) as server:
        AppriseChannel([_url(server)]).send(_alert(kind))
    body = _body(server)
    assert body["title"].startswith("callagent: elevenlabs is down")
    assert "Command: callagent health" in body["message"]
    assert NUMBER not in json.dumps(body)


def test_a_recovery_is_no_failure() -> None:
    with SocketServer([reply("200 OK")]) as server:
        AppriseChannel([_url(server)]).send(_alert(AlertKind.INCIDENT_RECOVERED))
    assert _body(server)["type"] == "success"


@pytest.mark.parametrize("answer", [reply("500 Oops", b"<html>"), reset_after_reading])
def test_an_alert_that_is_not_taken_may_be_taken_later_and_no_url_is_shown(
    answer: Script, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="apprise")
    with SocketServer([answer, reply("200 OK")]) as server:
        channel = AppriseChannel([_url(server)])
        with pytest.raises(TransientError) as failed:
            channel.send(_alert())
        channel.send(_alert())
    shown = "".join(traceback.format_exception(failed.value)) + repr(channel) + caplog.text
    assert SECRET not in shown + "".join(capfd.readouterr())


def test_one_of_two_services_that_fails_fails_the_alert() -> None:
    with (
        SocketServer([reply("200 OK")]) as well,
        SocketServer([reply("500 Oops")]) as ill,
        pytest.raises(TransientError, match="not all of the 2"),
    ):
        AppriseChannel([_url(well), _url(ill)]).send(_alert())
    assert well.requests


@pytest.mark.parametrize("urls", [[], [f"nosuch://{SECRET}"], [f"{SECRET} words"]])
def test_a_url_that_apprise_does_not_know_needs_a_person(
    urls: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ServiceRefused) as refused:
        AppriseChannel(urls).send(_alert())
    assert "alerts.apprise" in refused.value.hint
    shown = "".join(traceback.format_exception(refused.value))
    assert SECRET not in shown + "".join(capfd.readouterr())


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # what an import of nothing finds
    with pytest.raises(ServiceRefused, match="not installed") as refused:
        AppriseChannel([f"json://{SECRET}"]).send(_alert())
    assert "pip install" in refused.value.hint
