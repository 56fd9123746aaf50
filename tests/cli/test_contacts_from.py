"""Contacts that are no CSV file, as `run` and `plan` take them."""

import gzip
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.support.command_line import call, environ, words_of

CSV = "phone,name\n+12025550101,Ada\n+12025550102,Bob\n12,Eve\n"
FAST = "sandbox: {speed: 1000000}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text(FAST)
    return tmp_path


def planned(out: str) -> int:
    return sum(json.loads(out)["verdicts"].values())


def test_stdin_is_planned_and_run_from_one_reading(folder: Path) -> None:
    ended = call(folder, "run", "-", "-n", "spring", "--json", given=CSV)
    assert ended.status in (0, 3, 4), ended.err
    assert json.loads(ended.out)["dialled"] > 0
    rejects = folder / ".callagent" / "spring.rejected.csv"
    assert "4,phone" in rejects.read_text(), "beside the ledger: stdin has no folder"
    again = call(folder, "run", "-", "-n", "spring", "--json", given=CSV)
    assert json.loads(again.out)["dialled"] == 0, "nobody is called twice"


def test_stdin_needs_a_campaign_before_it_is_read(folder: Path) -> None:
    ended = call(folder, "run", "-", given=CSV)
    assert ended.status == 2
    assert "do not say which campaign" in ended.err
    assert "--campaign" in ended.err


def test_stdin_that_is_closed_is_told(folder: Path) -> None:
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *words_of("plan", "-", "-n", "spring")],
        cwd=folder,
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "stdin is closed" in ended.stderr


def test_empty_stdin_is_told(folder: Path) -> None:
    ended = call(folder, "plan", "-", "-n", "spring")
    assert (ended.status, ended.out) == (2, "")
    assert "stdin is empty" in ended.err


def test_gzip_on_stdin_and_in_a_file_name_the_same_people(folder: Path) -> None:
    (folder / "people.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    ended = call(folder, "plan", "people.csv.gz", "--json")
    assert json.loads(ended.out)["campaign"] == "people"
    with (folder / "people.csv.gz").open("rb") as packed:
        piped = subprocess.run(
            words_of("plan", "-", "-n", "people", "--json"),
            cwd=folder,
            env=environ(),
            stdin=packed,
            capture_output=True,
            text=True,
            check=False,
        )
    assert planned(piped.stdout) == planned(ended.out) == 2


def test_a_workbook_is_run_and_its_rejected_rows_name_cells(folder: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (["name", "phone"], ["Ada", 12025550101], ["Eve", 12]):
        book.active.append(row)
    book.save(folder / "spring.xlsx")
    ended = call(folder, "run", "spring.xlsx", "--json")
    assert json.loads(ended.out)["campaign"] == "spring"
    assert "3,phone (column B)" in (folder / "spring.rejected.csv").read_text()


def test_an_address_that_is_no_sheet_is_refused(folder: Path) -> None:
    ended = call(folder, "plan", "https://example.com/people.csv", "-n", "spring")
    assert ended.status == 2
    assert "contacts are not read from https://example.com" in ended.err


def test_a_sheet_without_a_key_says_where_the_key_belongs(folder: Path) -> None:
    ended = call(folder, "plan", "gsheet:abcdefgh", "-n", "spring")
    assert ended.status == 2
    assert "there is no key file" in ended.err
    assert "google_sheets.credentials_path" in ended.err


def test_real_calls_from_stdin_are_not_placed_unasked(folder: Path) -> None:
    """A person is at the terminal, and cannot be asked."""
    (folder / "config.yml").write_text(
        "provider: elevenlabs\n"
        "services: {elevenlabs: {agent_id: a, agent_phone_number_id: p,"
        " base_url: 'http://127.0.0.1:9'}}\n"
    )
    master, terminal = pty.openpty()
    ended = subprocess.run(
        words_of("run", "-", "-n", "spring"),
        cwd=folder,
        env=environ(ELEVEN_API_KEY="canary", TERM="xterm"),
        input=CSV.encode(),
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=False,
    )
    os.close(terminal)
    told = os.read(master, 65536).decode()
    os.close(master)
    assert ended.returncode == 2
    assert "leave nobody to answer" in told
    assert "--yes" in told
