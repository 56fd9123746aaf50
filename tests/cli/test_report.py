"""`callagent report`: where its forms go, and how far it is."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.command_line import Ended, call, environ, words_of
from tests.support.many_calls import ledger_of

CONTACTS = 6_000  # enough for a progress line


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a campaign called `spring` has run."""
    where = tmp_path_factory.mktemp("spring")
    ledger_of(where / ".callagent", CONTACTS, name="sandbox").close()
    return where


@pytest.fixture(autouse=True)
def _clean(folder: Path) -> Iterator[None]:
    yield
    for made in folder.glob("out.*"):
        made.unlink()


def report(folder: Path, *words: str, **more: str) -> Ended:
    return call(folder, "report", "spring", *words, **more)


def test_all_forms_at_once(folder: Path) -> None:
    ended = report(folder, "--csv", "out.csv", "--html", "out.html", "--json")
    assert ended.status == 0
    assert len(json.loads(ended.out)["contacts"]) == CONTACTS
    assert len((folder / "out.csv").read_text().splitlines()) == 1 + CONTACTS
    assert (folder / "out.html").read_text().startswith("<!doctype html>")
    assert (folder / "out.html").stat().st_mode & 0o777 == 0o600
    assert f"{CONTACTS} contacts written to out.html" in ended.err


@pytest.mark.parametrize(("option", "begin"), [("--csv", "id,phone,"), ("--html", "<!doctype")])
def test_a_dash_is_stdout(folder: Path, option: str, begin: str) -> None:
    ended = report(folder, option, "-")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(begin)
    assert not (folder / "-").exists()


def test_two_forms_cannot_share_stdout(folder: Path) -> None:
    ended = report(folder, "--json", "--html", "-", "--csv", "out.csv")
    assert (ended.status, ended.out) == (2, "")
    assert "--html and --json cannot both go to stdout" in ended.err
    assert not (folder / "out.csv").exists()


def test_nothing_is_written_when_one_of_the_files_is_there(folder: Path) -> None:
    (folder / "out.html").write_text("mine")
    ended = report(folder, "--csv", "out.csv", "--html", "out.html")
    assert ended.status == 2
    assert "out.html exists" in ended.err
    assert (folder / "out.html").read_text() == "mine"
    assert not (folder / "out.csv").exists()


def test_one_file_for_two_forms_is_a_mistake(folder: Path) -> None:
    ended = report(folder, "--csv", "out.csv", "--html", "out.csv")
    assert ended.status == 2
    assert "out.csv is named twice" in ended.err


def test_a_folder_that_is_not_there_is_no_bug(folder: Path) -> None:
    ended = report(folder, "--html", "nowhere/out.html")
    assert ended.status == 2
    assert "nowhere/out.html cannot be written" in ended.err


def test_a_page_that_does_not_fit_leaves_no_half(folder: Path) -> None:
    limited = f"ulimit -f 200; exec {' '.join(words_of('report', 'spring', '--html', 'out.html'))}"
    ended = subprocess.run(
        ["bash", "-c", limited],
        cwd=folder,
        env=environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 2
    assert "out.html cannot be written: File too large" in ended.stderr
    assert not (folder / "out.html").exists()


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_and_name_the_figures(folder: Path, width: int) -> None:
    ended = report(folder, COLUMNS=str(width))
    lines = ended.out.splitlines()
    assert all(cell_len(line) <= width for line in lines)
    for title in ("reach by attempt", "reach by the hour", "failures by cause", "contacts"):
        assert any(line.startswith(title) for line in lines), title
    assert f"… and {CONTACTS - 20} more: --html FILE" in ended.out


def test_in_a_pipe_nothing_is_cut(folder: Path) -> None:
    ended = subprocess.run(
        words_of("report", "spring"),
        cwd=folder,
        env={name: value for name, value in environ().items() if name != "COLUMNS"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "failed <b>" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) < 200


def test_long_work_shows_how_far_it_is_and_spares_the_result(folder: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words_of("report", "spring", "--json"),
        cwd=folder,
        env=environ(TERM="xterm-256color"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as made:
        os.close(theirs)
        told, _ = made.communicate()
    screen = os.read(ours, 1_000_000).decode(errors="replace")
    os.close(ours)
    assert len(json.loads(told)["contacts"]) == CONTACTS
    assert f"/{CONTACTS}" in screen
