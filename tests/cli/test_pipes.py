"""What is read by `grep` and mail programs: one line a row, however narrow a terminal would be."""

import subprocess
from pathlib import Path

from tests.support.command_line import Ended, environ, words_of


def piped(folder: Path, *words: str) -> Ended:
    """Without a terminal and without $COLUMNS, as in cron and in a pipe."""
    bare = {name: value for name, value in environ().items() if name != "COLUMNS"}
    ended = subprocess.run(
        words_of(*words), cwd=folder, env=bare, capture_output=True, encoding="utf-8", check=False
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


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


def test_a_long_warning_is_one_line(tmp_path: Path) -> None:
    low = "services: {elevenlabs: {circuit_breaker: {failure_threshold: 3}}}\n"
    (tmp_path / "config.yml").write_text(low)
    [line] = piped(tmp_path, "config", "check").err.splitlines()
    assert line.startswith("warning: ")
    assert line.endswith("used up")
