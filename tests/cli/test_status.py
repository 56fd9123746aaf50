"""What `status` tells a person to do next, and that it does so without what is slow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from callagent_cli.config.finding import peek_place
from tests.support.command_line import call, environ
from tests.support.many_calls import ledger_of

SLOW = ("sqlalchemy", "requests", "gspread", "phonenumbers", "callagent_cli.config.settings")


def test_status_imports_nothing_that_is_slow(tmp_path: Path) -> None:
    ledger_of(tmp_path / ".callagent", 20, name="sandbox").close()
    code = (
        "import sys; from callagent_cli.cli.status import status\n"
        "from callagent_cli.cli.options import Common\n"
        "status(None, follow=False, as_json=False, common=Common())\n"
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environ(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_each_thing_that_waits_has_its_command(tmp_path: Path) -> None:
    ledger_of(tmp_path / ".callagent", 40, campaign="spring", name="sandbox").close()
    found = json.loads(call(tmp_path, "status", "--json").out)
    assert [each["command"] for each in found["next"]] == [
        "callagent retry spring",
        "callagent run people.csv --campaign spring",
    ]
    shown = call(tmp_path, "status").out
    assert all(f"{each['why']}: {each['command']}" in shown for each in found["next"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("provider: sandbx\n", "provider"),
        ("state_dir: [a]\n", "state_dir"),
        ("- a\n", "keys and values"),
        ("a: [\n", "config.yml"),
    ],
)
def test_a_config_that_does_not_say_where_the_ledger_is_is_refused(
    config: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "config.yml").write_text(config)
    ended = call(tmp_path, "status")
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_a_place_is_read_without_the_settings(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("provider: elevenlabs\nstate_dir: kept\n")
    place = peek_place(None, {}, tmp_path)
    assert (place.state_dir, place.ledger_name) == (tmp_path / "kept", "ledger")


@pytest.mark.parametrize("where", ["environment", ".env", "config"])
def test_a_ledger_elsewhere_is_left_to_the_settings(where: str, tmp_path: Path) -> None:
    url = "postgresql+psycopg://127.0.0.1/calls"
    if where == "config":
        (tmp_path / "config.yml").write_text(f"database_url: {url}\n")
    if where == ".env":
        (tmp_path / ".env").write_text(f"CALLAGENT_DATABASE_URL={url}\n")
    given = {"CALLAGENT_DATABASE_URL": url} if where == "environment" else {}
    with pytest.raises(ValueError, match="not in a folder"):
        peek_place(None, given, tmp_path)
