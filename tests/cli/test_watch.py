"""`status --watch` beside a run in another process."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.command_line import call, environ, words_of

_PATIENCE_S = 60
_ROWS = "".join(f"c{n},Ada Example,+1202555010{n},America/New_York\n" for n in range(8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text("sandbox: {speed: 120}\n")
    (tmp_path / "people.csv").write_text(f"id,name,phone,timezone\n{_ROWS}")
    return tmp_path


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """What it says is one text, line by line."""
    return subprocess.Popen(
        words_of(*words),
        cwd=folder,
        env=environ(PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def line_with(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if text in line)


def finish(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=_PATIENCE_S)
    return out


@pytest.fixture
def run(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A sandbox campaign that is on: its first call has ended."""
    process = started(folder, "run", "people.csv", "-v")
    line_with(process, "c0 ")
    yield process
    process.kill()
    finish(process)


def test_a_run_is_followed_to_its_end(folder: Path, run: subprocess.Popen[str]) -> None:
    ended = call(folder, "status", "--watch", "--json")
    finish(run)
    assert (ended.status, ended.err) == (0, "")
    news = [json.loads(line) for line in ended.out.splitlines()]
    assert {line["run_id"] for line in news} == {news[0]["run_id"]}
    assert [line["exit_status"] for line in news[:-1]] == [None] * (len(news) - 1)
    assert news[-1]["exit_status"] == run.returncode
    assert news[-1]["reason"]
    assert [line["written_at"] for line in news] == sorted(line["written_at"] for line in news)
    assert news[-1]["run"]["contacts"] == 8
    assert news[0]["run"]["services"][0]["service"] == "elevenlabs"


def test_without_a_terminal_each_change_is_a_line(
    folder: Path, run: subprocess.Popen[str]
) -> None:
    ended = call(folder, "status", "people", "--watch")
    finish(run)
    *lines, last = ended.out.splitlines()
    assert last.startswith(f"people: the run has ended with status {run.returncode}: ")
    assert all(line.startswith("people: ") for line in lines)
    gists = [line.partition("; ETA")[0] for line in lines]
    assert all(one != other for one, other in pairwise(gists[:-1]))


def test_news_of_a_run_names_nobody(folder: Path, run: subprocess.Popen[str]) -> None:
    live = folder / ".callagent" / "live.json"
    seen = [live.read_text()]
    watcher = started(folder, "status", "--watch", "--json")
    assert watcher.stdout is not None
    seen += [live.read_text() for _ in watcher.stdout]
    assert finish(watcher) == ""
    finish(run)
    assert any(json.loads(text)["run"]["in_hand"] for text in seen)
    assert not any("Ada" in text or "+1202555" in text for text in seen)
    assert live.stat().st_mode & 0o077 == 0


def test_a_run_that_is_killed_is_told_from_one_that_ends(
    folder: Path, run: subprocess.Popen[str]
) -> None:
    watcher = started(folder, "status", "--watch")
    line_with(watcher, "people: ")
    run.kill()
    assert "ended without a word" in finish(watcher)
    assert watcher.returncode == 0
    assert json.loads(call(folder, "status", "--json").out)["run"] is None
    ended = call(folder, "status", "--watch")
    assert "no run is on" in ended.err
    assert "callagent run people.csv" in ended.out


def test_ctrl_c_ends_the_watching_and_not_the_run(
    folder: Path, run: subprocess.Popen[str]
) -> None:
    watcher = started(folder, "status", "--watch")
    line_with(watcher, "people: ")
    watcher.send_signal(signal.SIGINT)
    assert "ended" not in finish(watcher)
    assert watcher.returncode == 130
    assert run.poll() is None


def test_who_reads_no_further_ends_it(folder: Path, run: subprocess.Popen[str]) -> None:
    watcher = started(folder, "status", "--watch", "--json")
    line_with(watcher, "run_id")
    assert watcher.stdout is not None
    watcher.stdout.close()
    assert watcher.wait(_PATIENCE_S) == 0
    assert run.poll() is None


def test_a_terminal_shows_the_live_view(folder: Path, run: subprocess.Popen[str]) -> None:
    mine, theirs = pty.openpty()
    watcher = subprocess.Popen(
        words_of("status", "--watch"),
        cwd=folder,
        env=environ(TERM="xterm", COLUMNS="120", LINES="40"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    with suppress(OSError):  # Linux says so when the other side has closed
        while piece := os.read(mine, 65536):
            said += piece
    os.close(mine)
    assert watcher.wait(_PATIENCE_S) == 0
    finish(run)
    for part in ("SANDBOX", "elevenlabs", "● closed", "the run has ended with status 0"):
        assert part in said.decode()


def test_status_tells_of_the_run_that_is_on(folder: Path, run: subprocess.Popen[str]) -> None:
    found = json.loads(call(folder, "status", "--json").out)
    assert found["run"]["campaign"] == "people"
    assert found["run"]["pid"] == run.pid
    assert found["run"]["written_at"] is not None
    assert found["run"]["elapsed_s"] >= 0
    assert found["next"][0]["command"] == "callagent status --watch"


def test_news_of_a_run_that_is_long_over_is_no_run(folder: Path) -> None:
    assert call(folder, "run", "people.csv", "--limit", "1").status == 4
    live = folder / ".callagent" / "live.json"
    told = json.loads(live.read_text())
    live.write_text(json.dumps({**told, "exit_status": None}))
    assert json.loads(call(folder, "status", "--json").out)["run"] is None
    assert "no run is on" in call(folder, "status", "--watch").err


def test_another_campaign_is_not_the_one_that_is_on(
    folder: Path, run: subprocess.Popen[str]
) -> None:
    ended = call(folder, "status", "peple", "--watch")
    assert (ended.status, ended.out) == (2, "")
    assert "did you mean people?" in ended.err


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"run_id": "run_1"}', '{"run": 1}'])
def test_broken_news_is_no_news(broken: str, folder: Path, run: subprocess.Popen[str]) -> None:
    (folder / ".callagent" / "live.json").write_text(broken)
    assert call(folder, "status").status == 0
