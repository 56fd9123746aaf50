"""`callagent doctor`, typed in a folder, against an account on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callagent_cli.cli.doctor import doctor
from callagent_cli.cli.options import Common
from tests.support.account_server import AGENT, CREDITS, REFUSED, UNSCOPED, AccountServer

ROWS = "phone,name,topic\n+12025550101,Ada,tea\n+12025550102,Bob,milk\n"


@pytest.fixture
def account() -> Iterator[AccountServer]:
    with AccountServer() as server:
        yield server
    assert server.methods <= {"GET"}, "a doctor only reads"


class Clinic:
    """A folder with a config for the account, and what the doctor finds there."""

    def __init__(self, folder: Path, account: AccountServer, shown: pytest.CaptureFixture[str]):
        self.folder, self.account, self._shown = folder, account, shown
        self.more = ""

    def find(self, *levels: str, contacts: str | None = ROWS, status: int | None = None) -> str:
        """What is found at these levels, a line each, as `level check: what → fix`."""
        (self.folder / "config.yml").write_text(
            "provider: elevenlabs\n"
            "services:\n  elevenlabs:\n"
            f"    base_url: {self.account.url}\n"
            "    agent_id: agent_1\n    agent_phone_number_id: phnum_1\n"
            "    timeout: {connect: 2, read: 2, total: 3}\n" + self.more
        )
        if contacts is not None:
            (self.folder / "people.csv").write_text(contacts)
        ended = doctor(
            None if contacts is None else "people.csv",
            None,
            sends_test=False,
            as_json=True,
            common=Common(),
        )
        told: dict[str, Any] = json.loads(self._shown.readouterr().out)
        assert ended == (3 if told["problems"] else 0)
        assert status is None or ended == status
        return "\n".join(
            f"{one['level']} {one['check']}: {one['what']} → {one['fix']}"
            for one in told["findings"]
            if one["level"] in levels
        )


@pytest.fixture
def clinic(
    tmp_path: Path,
    account: AccountServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Clinic:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELEVEN_API_KEY", "sk_test")
    return Clinic(tmp_path, account, capsys)


def test_a_campaign_in_order_has_no_problem(clinic: Clinic) -> None:
    assert clinic.find("problem", status=0) == ""
    found = clinic.find("ok")
    for room in ("agent", "credits", "contacts", "calling hours", "clock", "disk", "ledger"):
        assert f"ok {room}: " in found


def test_nothing_is_written(clinic: Clinic) -> None:
    clinic.find()
    assert {path.name for path in clinic.folder.iterdir()} == {"config.yml", "people.csv"}


def test_a_refused_key_is_a_problem_that_names_the_key(clinic: Clinic) -> None:
    for path in clinic.account.answers:
        clinic.account.answers[path] = (401, REFUSED)
    found = clinic.find("problem", status=3)
    assert "problem agent: " in found
    assert "ELEVEN_API_KEY" in found


def test_a_missing_key_is_told_once(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELEVEN_API_KEY")
    found = clinic.find("problem", status=3)
    assert found.splitlines() == [
        "problem config: ELEVEN_API_KEY is not set (environment or .env) → "
        "add it, or let `callagent config init` ask for it"
    ]


def test_a_variable_that_no_column_gives_is_a_problem(clinic: Clinic) -> None:
    found = clinic.find("problem", contacts="phone,name\n+12025550101,Ada\n")
    assert "the agent uses variables that no column gives: topic" in found


def test_a_variable_that_the_llm_writes_is_not_missing(clinic: Clinic) -> None:
    clinic.more = (
        "  llm: {enabled: true, base_url: 'http://127.0.0.1:9', model: m, prompt: p,"
        " fallback: Hello, variables: [topic]}\n"
    )
    found = clinic.find("problem", "warning", contacts="phone,name\n+12025550101,Ada\n")
    assert "topic" not in found
    assert "LLM_API_KEY is missing" in found


def test_without_contacts_the_agents_variables_are_named(clinic: Clinic) -> None:
    found = clinic.find("warning", contacts=None)
    assert "the agent needs variables: name, topic" in found
    assert "warning contacts: none given" in found


def test_an_unknown_agent_and_number_are_problems(clinic: Clinic) -> None:
    clinic.account.answers["/phone-numbers"] = (200, [])
    assert "no phone number phnum_1" in clinic.find("problem")
    del clinic.account.answers["/agents/agent_1"]
    assert "services.elevenlabs.agent_id" in clinic.find("problem")


def test_the_numbers_provider_must_be_the_configs(clinic: Clinic) -> None:
    number = {"phone_number_id": "phnum_1", "provider": "sip_trunk"}
    clinic.account.answers["/phone-numbers"] = (200, [number])
    assert "set services.elevenlabs.telephony: sip_trunk" in clinic.find("problem")


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        ((200, {**CREDITS, "character_count": 1_000_000}), "problem", "no credits are left"),
        ((200, {**CREDITS, "status": "past_due"}), "problem", "behind with its payments"),
        ((200, {**CREDITS, "max_credit_limit_extension": "unlimited"}), "ok", "no ceiling"),
        ((401, UNSCOPED), "warning", "give the key the scope user_read"),
        ((500, {}), "warning", "the credits cannot be read"),
        ((200, {}), "ok", "does not say"),
    ],
)
def test_credits(clinic: Clinic, answer: tuple[int, object], level: str, said: str) -> None:
    clinic.account.answers["/subscription"] = answer
    told = [line for line in clinic.find(level).splitlines() if " credits: " in line]
    assert any(said in line for line in told)


def test_credits_are_compared_with_the_calls_to_come(clinic: Clinic) -> None:
    clinic.more = "campaign: {calling_window: null}\n"
    clinic.account.answers["/subscription"] = (200, {**CREDITS, "character_limit": 499})
    assert "499 are left, and about 500 are needed for 2 calls" in clinic.find("problem")


@pytest.mark.parametrize(
    ("off_s", "level", "said"),
    [
        (0.0, "ok", "agrees with the provider's"),
        (-90.0, "warning", "ahead of the provider's"),
        (400.0, "problem", "behind the provider's"),
    ],
)
def test_the_clock_is_compared_with_the_providers(
    clinic: Clinic, off_s: float, level: str, said: str
) -> None:
    clinic.account.off_s = off_s
    assert f"{level} clock: " in clinic.find(level)
    assert said in clinic.find(level)


def test_rows_that_cannot_be_used_are_counted(clinic: Clinic) -> None:
    found = clinic.find("warning", contacts=ROWS + "123,Eve,tea\n")
    assert "1 rows cannot be used → `callagent contacts check people.csv`" in found


def test_people_who_would_never_be_called_are_counted(clinic: Clinic) -> None:
    clinic.more = "campaign: {require_consent: true}\n"
    found = clinic.find("warning", "problem")
    assert "people.csv" in found
    assert "consent" in found


def test_a_window_that_never_opens_is_a_problem(clinic: Clinic) -> None:
    clinic.more = 'campaign: {calling_window: {start: "22:00", end: "23:00", preset: us-strict}}\n'
    assert "problem calling hours: the calling window never opens" in clinic.find("problem")


def test_a_list_that_is_required_and_missing_is_a_problem(clinic: Clinic) -> None:
    clinic.more = "campaign: {do_not_call: {required: [national]}}\n"
    found = clinic.find("problem")
    assert "the do-not-call list national was never imported" in found
    assert "callagent dnc import" in found


def test_a_ledger_of_another_program_is_a_problem(clinic: Clinic) -> None:
    state = clinic.folder / ".callagent"
    state.mkdir(mode=0o700)
    (state / "ledger.db").write_bytes(b"not a ledger")
    found = clinic.find("problem")
    assert len([line for line in found.splitlines() if "is not a ledger" in line]) == 1
    assert "callagent ledger recover" in found


def test_a_state_dir_that_is_a_file_is_a_problem(clinic: Clinic) -> None:
    clinic.more = "state_dir: taken\n"
    (clinic.folder / "taken").write_text("")
    assert "problem disk: state_dir: " in clinic.find("problem")


def test_secrets_that_others_can_read_are_warned_of(clinic: Clinic) -> None:
    secrets = clinic.folder / ".env"
    secrets.write_text("")
    secrets.chmod(0o644)
    assert f"`chmod 600 {secrets}`" in clinic.find("warning")


def test_a_channel_that_lacks_its_secret_is_a_problem(clinic: Clinic) -> None:
    clinic.more = "alerts: {telegram: {enabled: true}}\n"
    assert "problem telegram: TELEGRAM_BOT_TOKEN or chat_id is missing" in clinic.find("problem")


def test_nobody_to_tell_is_a_warning(clinic: Clinic) -> None:
    assert "warning alerts: no alert channel is set up" in clinic.find("warning")


def test_a_provider_that_is_down_holds_nothing_else_up(clinic: Clinic) -> None:
    clinic.account.answers["/agents/agent_1"] = (503, {})
    found = clinic.find("problem", status=3)
    assert [line.split(":")[0] for line in found.splitlines()] == ["problem agent"]


def test_what_the_agent_names_is_shown_clean(clinic: Clinic) -> None:
    hostile = json.loads(json.dumps(AGENT))
    hostile["conversation_config"]["agent"]["first_message"] = "{{a}} \x1b[2J {{b}}"
    clinic.account.answers["/agents/agent_1"] = (200, hostile)
    assert "\x1b" not in clinic.find("problem")
