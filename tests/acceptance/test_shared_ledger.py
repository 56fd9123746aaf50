"""The usual commands, typed where the ledger is on a server."""

import json
from pathlib import Path

from tests.support.command_line import call
from tests.support.postgres import Server

_CONTACTS = "phone,name\n" + "".join(f"+120255501{k:02d},Person {k}\n" for k in range(12))


def _folder(place: Path) -> Path:
    place.mkdir()
    (place / "spring.csv").write_text(_CONTACTS)
    return place


def test_a_campaign_runs_once_however_many_hosts_start_it(
    tmp_path: Path, database_url: str
) -> None:
    here, there = _folder(tmp_path / "here"), _folder(tmp_path / "there")
    at = {"CALLAGENT_DATABASE_URL": database_url}
    first = call(here, "run", "spring.csv", "--json", **at)
    told = json.loads(first.out)
    assert told["dialled"] >= 12
    assert sum(told["totals"].values()) == 12
    again = json.loads(call(there, "run", "spring.csv", "--json", **at).out)
    assert again["totals"] == told["totals"]
    assert again["dialled"] == 0
    assert not list(here.rglob("*.db"))
    shown = json.loads(call(there, "status", "--json", **at).out)
    assert shown["campaigns"][0]["totals"] == told["totals"]
    assert shown["run"] is None


def test_every_reading_command_answers(tmp_path: Path, database_url: str) -> None:
    folder, at = _folder(tmp_path / "here"), {"CALLAGENT_DATABASE_URL": database_url}
    assert call(folder, "status", **at).status == 0
    assert call(folder, "run", "spring.csv", "--pilot", "3", **at).status == 4
    commands = (
        ("plan", "spring.csv"),
        ("status", "spring"),
        ("report", "spring"),
        ("report", "spring", "--html", "page.html"),
        ("why", "+12025550100"),
        ("review",),
        ("retry", "spring"),
        ("deliveries", "list"),
        ("dnc", "add", "+12025550111"),
        ("dnc", "list"),
        ("breaker", "open", "crm", "--reason", "maintenance"),
        ("breaker", "close", "crm", "--reason", "over"),
        ("logs",),
        ("backup", "copy.db"),
        ("forget", "+12025550110", "--yes"),
    )
    for command in commands:
        ended = call(folder, *command, **at)
        assert (ended.status, command) == (0, command), ended.err
    told = json.loads(call(folder, "run", "spring.csv", "--json", **at).out)
    assert told["totals"].get("skipped", 0) >= 1
    assert "+12025550110" not in str(_rows(folder, at))


def _rows(folder: Path, at: dict[str, str]) -> object:
    return json.loads(call(folder, "report", "spring", "--json", **at).out)


def test_a_campaign_that_was_begun_in_a_file_goes_on_on_a_server_and_back(
    tmp_path: Path, database_url: str
) -> None:
    folder, at = _folder(tmp_path / "here"), {"CALLAGENT_DATABASE_URL": database_url}
    begun = json.loads(call(folder, "run", "spring.csv", "--json").out)
    moved = call(folder, "ledger", "copy", "--to", database_url)
    assert moved.status == 0, moved.err
    assert "contacts" in moved.out
    refused = call(folder, "run", "spring.csv")
    assert refused.status == 2
    assert "left behind" in refused.err
    assert call(folder, "status").status == 2
    gone_on = json.loads(call(folder, "run", "spring.csv", "--json", **at).out)
    assert (gone_on["dialled"], gone_on["totals"]) == (0, begun["totals"])
    assert call(folder, "ledger", "copy", "--to", database_url, **at).status == 2
    back = json.loads(call(folder, "ledger", "copy", "--to", "file", "--json", **at).out)
    assert {table["name"]: table["rows"] for table in back["tables"]}["contacts"] == 12
    again = json.loads(call(folder, "run", "spring.csv", "--json").out)
    assert (again["dialled"], again["totals"]) == (0, begun["totals"])


def test_no_password_is_shown_and_none_belongs_in_the_config(
    tmp_path: Path, server: Server
) -> None:
    folder = _folder(tmp_path / "here")
    url = f"postgresql://ann:hunter2@127.0.0.1:{server.port}/nowhere"
    (folder / "config.yml").write_text(f"database_url: {url}\n")
    refused = call(folder, "run", "spring.csv")
    assert refused.status == 2
    assert "CALLAGENT_DATABASE_URL" in refused.err
    (folder / "config.yml").unlink()
    for words in (("run", "spring.csv"), ("status",), ("doctor",), ("config", "show")):
        shown = call(folder, *words, CALLAGENT_DATABASE_URL=url)
        assert "hunter2" not in shown.out + shown.err
        assert "Traceback" not in shown.err
