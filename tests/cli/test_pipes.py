"""What is read by `grep` and mail programs: one line a row, however narrow a terminal would be."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import Ended, environ, words_of


def piped(folder: Path, *words: str) -> Ended:
    """Without a terminal and without $COLUMNS, as in cron and in a pipe."""
    bare = {name: value for name, value in environ().items() if name != "COLUMNS"}
    ended = subprocess.run(
        words_of(*words), cwd=folder, env=bare, capture_output=True, encoding="utf-8", check=False
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def written_to(file: str, folder: Path, *words: str) -> Ended:
    with open(file, "w", encoding="utf-8") as out:
        ended = subprocess.run(
            words_of(*words),
            cwd=folder,
            env=environ(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    return Ended(ended.returncode, "", ended.stderr)


def people(folder: Path, n: int) -> None:
    rules = "sandbox: {speed: 1000000}\ncampaign: {redial: {failed: never}}\n"
    (folder / "config.yml").write_text(rules)
    rows = "".join(f"+1202555010{i}\n" for i in range(n))
    (folder / "people.csv").write_text(f"phone\n{rows}")


def calls(folder: Path) -> int:
    report = json.loads(piped(folder, "report", "people", "--json").out)
    return sum(len(contact["attempts"]) for contact in report["contacts"])


def test_config_show_keeps_each_key_on_one_line(tmp_path: Path) -> None:
    lines = piped(tmp_path, "config", "show").out.splitlines()
    [delay] = [line for line in lines if "services.elevenlabs.retry.initial_delay" in line]
    assert delay.split() == ["services.elevenlabs.retry.initial_delay", "5", "default"]


def test_report_has_a_line_for_each_contact(finished: tuple[Path, Ended]) -> None:
    lines = piped(finished[0], "report", "people").out.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("contact  "))
    assert all(
        any(f"**0{n}" in line for n in (1, 2, 3, 4)) for line in lines[begin + 1 : begin + 5]
    )


@pytest.mark.parametrize(
    "words", [["report", "people"], ["status"], ["report", "people", "--json"], ["config", "show"]]
)
def test_half_a_result_on_a_full_disk_is_no_success(
    words: list[str], finished: tuple[Path, Ended]
) -> None:
    ended = written_to("/dev/full", finished[0], *words)
    assert ended.status == 2
    assert ended.err.startswith("error: what was to be shown could not be written: No space left")


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_run_keeps_its_status_on_a_full_disk(as_json: tuple[str, ...], tmp_path: Path) -> None:
    people(tmp_path, 3)
    ended = written_to("/dev/full", tmp_path, "run", "people.csv", "--limit", "2", *as_json)
    assert ended.status == 4
    assert "`callagent report` has the results" in ended.err
    assert calls(tmp_path) == 2


def test_cron_may_leave_a_run_no_stream_that_works(tmp_path: Path) -> None:
    """An empty environment, another folder, stdin and stderr closed, stdout on a full disk."""
    people(tmp_path, 4)
    words = words_of("-c", str(tmp_path / "config.yml"), "run", str(tmp_path / "people.csv"))
    bare = ["env", "-i", f"PYTHONPATH={environ()['PYTHONPATH']}", *words]
    line = f"cd / && exec {shlex.join(bare)} <&- >/dev/full 2>&-"
    assert subprocess.run(["/bin/sh", "-c", line], check=False).returncode == 0
    left = json.loads((tmp_path / ".callagent" / "last_run.json").read_text())
    assert (left["exit_status"], left["dialled"], calls(tmp_path)) == (0, 4, 4)


def test_a_run_whose_reader_has_gone_goes_on(tmp_path: Path) -> None:
    people(tmp_path, 5)
    with subprocess.Popen(
        words_of("run", "people.csv", "--verbose"),
        cwd=tmp_path,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        for stream in (run.stdout, run.stderr):
            assert stream is not None
            stream.close()
        assert run.wait(60) == 0
    assert calls(tmp_path) == 5


def test_a_reader_that_has_seen_enough_is_no_failure(finished: tuple[Path, Ended]) -> None:
    with subprocess.Popen(
        words_of("report", "people"), cwd=finished[0], env=environ(), stdout=subprocess.PIPE
    ) as report:
        assert report.stdout is not None
        report.stdout.close()
        assert report.wait(60) == 0


def test_a_long_warning_is_one_line(tmp_path: Path) -> None:
    low = "services: {elevenlabs: {circuit_breaker: {failure_threshold: 3}}}\n"
    (tmp_path / "config.yml").write_text(low)
    [line] = piped(tmp_path, "config", "check").err.splitlines()
    assert line.startswith("warning: ")
    assert line.endswith("used up")
