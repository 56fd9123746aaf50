"""`callagent config init`, with flags, with answers at a terminal, and in a folder in use."""

import json
import os
import pty
import stat
import subprocess
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.config.loading import environment, load_settings
from callagent_cli.config.starter import Answers, config_text, env_text
from tests.support.command_line import call, environ, words_of


def test_the_defaults_make_a_folder_in_which_a_campaign_runs(tmp_path: Path) -> None:
    made = call(tmp_path, "config", "init", "--dir", "spring fair", "--yes")
    assert made.status == 0
    assert "cd 'spring fair'" in made.err
    folder = tmp_path / "spring fair"
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert call(folder, "config", "check").status == 0
    planned = json.loads(call(folder, "plan", "contacts.csv", "--json").out)
    assert planned["verdicts"] == {"call now": 5}
    assert planned["rejected"] == 0


def test_flags_answer_beforehand(tmp_path: Path) -> None:
    flags = "--country gb --hours 9:00-17:30 --days mon-wed,fri --require-consent"
    ids = "--agent-id agent_1 --phone-number-id phnum_1"
    assert call(tmp_path, "config", "init", "--yes", *flags.split(), *ids.split()).status == 0
    settings = load_settings(tmp_path / "config.yml", {}, tmp_path)
    window = settings.campaign.calling_window
    assert window is not None
    assert (str(window.start), str(window.end)) == ("09:00:00", "17:30:00")
    assert window.days == ("mon", "tue", "wed", "fri")
    assert (settings.campaign.default_region, settings.campaign.require_consent) == ("GB", True)
    voice = settings.services.elevenlabs
    assert (voice.agent_id, voice.agent_phone_number_id) == ("agent_1", "phnum_1")
    assert settings.provider == "sandbox", "nobody is called because a file was written"


@pytest.mark.parametrize(
    ("flag", "value", "remedy"),
    [
        ("--country", "England", "two letters"),
        ("--hours", "9 to 5", "09:00-18:00"),
        ("--hours", "18:00-09:00", "must be later"),
        ("--days", "weekdays", "mon-fri"),
        ("--days", "fri-mon", "from the earlier"),
        ("--agent-id", "my agent", "no spaces"),
    ],
)
def test_a_wrong_flag_names_itself_and_what_to_write(
    flag: str, value: str, remedy: str, tmp_path: Path
) -> None:
    ended = call(tmp_path, "config", "init", "--yes", flag, value)
    assert (ended.status, ended.out) == (2, "")
    assert f"{flag} {value!r}" in ended.err
    assert remedy in ended.err
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("mine: 1\n")
    (tmp_path / "contacts.csv").write_text("phone\n")
    refused = call(tmp_path, "config", "init", "--yes")
    assert refused.status == 2
    assert "config.yml exists already" in refused.err
    assert not (tmp_path / ".env").exists()
    for n in (1, 2):
        forced = call(tmp_path, "config", "init", "--yes", "--force")
        assert f"config.yml.old{n}" in forced.err
    assert (tmp_path / "config.yml.old1").read_text() == "mine: 1\n"
    assert (tmp_path / "contacts.csv").read_text() == "phone\n", "people's list is theirs"


def test_without_a_terminal_it_does_not_wait_for_answers(tmp_path: Path) -> None:
    ended = call(tmp_path, "config", "init")
    assert ended.status == 2
    assert "--yes" in ended.err


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for folder in ("taken", "taken/below"):
        ended = call(tmp_path, "config", "init", "--yes", "--dir", folder)
        assert ended.status == 2
        assert "--dir" in ended.err


def test_questions_are_asked_again_until_they_are_answered_and_the_key_is_not_shown(
    tmp_path: Path,
) -> None:
    typed = ["France", "FR", "", "mon-fri", "y", "agent 7", "agent_7", "", "sk_secret"]
    status, shown = typed_at_a_terminal(tmp_path, typed)
    assert status == 0, shown
    assert "two letters" in shown
    assert "no spaces" in shown
    assert "sk_secret" not in shown
    assert (tmp_path / ".env").read_text().splitlines()[1] == "ELEVEN_API_KEY=sk_secret"
    settings = load_settings(tmp_path / "config.yml", {}, tmp_path)
    assert settings.campaign.default_region == "FR"
    assert settings.campaign.require_consent
    assert settings.services.elevenlabs.agent_id == "agent_7"
    assert settings.secrets.eleven_api_key is not None


def typed_at_a_terminal(folder: Path, lines: list[str]) -> tuple[int, str]:
    """A person who types each line when a question stands there."""
    person, program = pty.openpty()
    process = subprocess.Popen(
        words_of("config", "init"),
        cwd=folder,
        env={**environ(), "TERM": "xterm"},
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(program)
    shown = bytearray()
    reader = threading.Thread(target=_answer, args=(person, shown, lines), daemon=True)
    reader.start()
    status = process.wait(timeout=60)
    reader.join(timeout=10)
    os.close(person)
    return status, shown.decode()


def _answer(terminal: int, shown: bytearray, lines: list[str]) -> None:
    waiting = list(lines)
    seen = 0
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            return
        if not piece:
            return
        shown += piece
        if shown[seen:].rstrip(b"\r").endswith(b"] ") and waiting:
            seen = len(shown)
            os.write(terminal, waiting.pop(0).encode() + b"\n")


@given(agent=st.text(st.characters(exclude_categories=("C", "Z")), max_size=40))
def test_whatever_the_answers_are_the_config_loads(agent: str) -> None:

    with TemporaryDirectory() as folder:
        config = Path(folder) / "config.yml"
        config.write_text(config_text(Answers(agent_id=agent)), encoding="utf-8")
        assert load_settings(config, {}, Path(folder)).services.elevenlabs.agent_id == (
            agent or None
        )


@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_whatever_the_key_is_it_is_read_back(key: str) -> None:

    with TemporaryDirectory() as folder:
        (Path(folder) / ".env").write_text(env_text(key), encoding="utf-8")
        assert environment({}, Path(folder))["ELEVEN_API_KEY"] == key
