import json
from datetime import UTC, datetime

import pytest

from callagent_cli import wiring
from callagent_cli.cli import health as command
from callagent_cli.cli.options import Common
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.health import Health, HealthStatus
from tests.support.command_line import Typed

NOW = datetime(2026, 11, 23, 15, 0, 1, 250_000, tzinfo=UTC)


class Fixed:
    """A prober that always finds the same."""

    def __init__(
        self, service: str, status: HealthStatus, detail: str = "", remedy: str = ""
    ) -> None:
        self.service = service
        self._found = Health(service, status, NOW, 12.5, detail, remedy)
        self.asked = 0

    def probe(self) -> Health:
        self.asked += 1
        return self._found


@pytest.fixture(autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("alone"))
    monkeypatch.setenv("COLUMNS", "100")


def use(monkeypatch: pytest.MonkeyPatch, *probers: Fixed) -> None:
    monkeypatch.setattr(wiring, "probers", lambda settings: probers)


def probe(*services: str, as_json: bool = False) -> int:
    return command.health(list(services), watch=False, as_json=as_json, common=Common())


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [
        (HealthStatus.OK, 0),
        (HealthStatus.DISABLED, 0),
        (HealthStatus.DEGRADED, 3),
        (HealthStatus.DOWN, 3),
        (HealthStatus.MISCONFIGURED, 3),
    ],
)
def test_worst_service_decides_the_status(
    status: HealthStatus, exit_status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Fixed("elevenlabs", HealthStatus.OK), Fixed("crm", status))
    assert probe() == exit_status


def test_table_shows_status_latency_proof_and_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(
        monkeypatch,
        Fixed("elevenlabs", HealthStatus.OK, "key and agent are in order"),
        Fixed("crm", HealthStatus.MISCONFIGURED, "401 [/foo]\x1b[2J", "renew CRM_API_KEY"),
    )
    probe()
    well, bad = capsys.readouterr().out.splitlines()[1:]
    assert well.split()[:4] == ["elevenlabs", "ok", "12", "ms"]
    assert "key and agent are in order" in well
    assert "401 [/foo]" in bad
    assert "renew CRM_API_KEY" in bad
    assert bad.isprintable()


def test_json_is_the_object_of_the_interface(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, Fixed("elevenlabs", HealthStatus.DOWN, "503"))
    assert probe(as_json=True) == 3
    assert json.loads(capsys.readouterr().out) == {
        "services": [
            {
                "service": "elevenlabs",
                "status": "down",
                "latency_ms": 12.5,
                "detail": "503",
                "breaker_state": "closed",
                "checked_at": "2026-11-23T15:00:01.250Z",
            }
        ]
    }


def test_only_named_services_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    voice, crm = Fixed("elevenlabs", HealthStatus.OK), Fixed("crm", HealthStatus.DOWN)
    use(monkeypatch, voice, crm)
    assert probe("elevenlabs") == 0
    assert (voice.asked, crm.asked) == (1, 0)


def test_misspelt_service_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Fixed("elevenlabs", HealthStatus.OK))
    with pytest.raises(InputError) as error:
        probe("elevenlab")
    assert error.value.hint == "did you mean elevenlabs?"


def test_watch_repeats_until_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Patient:
        """A clock whose third wait is cut short by Ctrl-C."""

        waits = 0

        def signal(self) -> "Patient":
            return self

        def wait(self, timeout_s: float) -> bool:
            assert timeout_s == 30.0
            self.waits += 1
            if self.waits == 3:
                raise KeyboardInterrupt
            return False

    prober = Fixed("elevenlabs", HealthStatus.DOWN)
    use(monkeypatch, prober)
    monkeypatch.setattr(command, "SystemClock", Patient)
    assert command.health([], watch=True, as_json=True, common=Common()) == 3
    assert prober.asked == 3
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_health_of_the_sandbox_is_ok(typed: Typed) -> None:
    ended = typed("health", "--json")
    assert ended.status == 0
    assert json.loads(ended.out)["services"][0]["status"] == "ok"
