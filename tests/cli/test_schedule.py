"""`callagent schedule` with a crontab and a systemctl that stand in for the machine's own."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import Ended, call, environ

OTHERS = b"# mine\nMAILTO=me\n5 4 * * * echo 50\\% \xff done"  # no newline at its end
CRONTAB = """#!/bin/sh
table="$(dirname "$0")/table"
case "$1" in
  -l) if [ -f "$table" ]; then cat "$table"; else echo "no crontab for me" >&2; exit 1; fi ;;
  -) cat > "$table" ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "50% of a clinic's"
    folder.mkdir()
    (folder / "config.yml").write_text("sandbox: {speed: 1000000}\n")
    (folder / "people.csv").write_text("phone,name\n+12025550110,Ada\n")
    for name, text in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    return folder


def schedule(folder: Path, *words: str) -> Ended:
    path = f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return call(folder, "schedule", "people.csv", *words, PATH=path, HOME=str(folder.parent))


def table(folder: Path) -> Path:
    return folder.parent / "bin" / "table"


def jobs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_line_that_is_printed_runs_the_campaign_as_cron_would(folder: Path) -> None:
    printed = schedule(folder, "--at", "mon-fri 09:30")
    assert printed.status == 0
    assert not table(folder).exists(), "nothing is installed without being told"
    (line,) = jobs(printed.out)
    when, command = " ".join(line.split()[:5]), line.split(maxsplit=5)[5]
    assert when == "30 9 * * mon,tue,wed,thu,fri"
    ran = subprocess.run(
        ["/bin/sh", "-c", command.replace(r"\%", "%")],  # what cron makes of the line
        cwd="/",
        env={"PYTHONPATH": environ()["PYTHONPATH"], "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert (folder / "logs" / "app.log").exists()
    assert (folder / "scheduled.log").read_text() == "", "silent, for all went well"
    told = json.loads(call(folder, "status", "--json").out)
    assert told["campaigns"][0]["campaign"] == "people"


def test_installed_twice_it_is_there_once_and_other_lines_stay(folder: Path) -> None:
    table(folder).write_bytes(OTHERS)
    for at in ("09:30", "mon 10:00"):
        assert schedule(folder, "--at", at, "--install").status == 0
    kept = table(folder).read_bytes()
    assert kept.startswith(OTHERS + b"\n")
    ours = kept.removeprefix(OTHERS + b"\n").decode()
    (line,) = jobs(ours)
    assert line.startswith("0 10 * * mon ")
    assert schedule(folder, "--remove").status == 0
    assert table(folder).read_bytes() == OTHERS + b"\n"


def test_what_the_comment_says_takes_it_out(folder: Path) -> None:
    schedule(folder, "--at", "09:30", "--install")
    comment = next(line for line in table(folder).read_text().splitlines() if "--remove" in line)
    words = shlex.split(comment.partition("to take it out: ")[2])
    path = f"{folder.parent / 'bin'}:/usr/bin:/bin"
    env = {"PYTHONPATH": environ()["PYTHONPATH"], "PATH": path}
    done = subprocess.run(words, cwd="/", env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert table(folder).read_bytes() == b""


def test_campaigns_have_blocks_of_their_own(folder: Path) -> None:
    for campaign in ("spring", "autumn"):
        schedule(folder, "--at", "09:30", "--install", "-n", campaign)
    schedule(folder, "--remove", "-n", "spring")
    (line,) = jobs(table(folder).read_text())
    assert "-n autumn" in line


def test_to_remove_what_is_not_there_is_told(folder: Path) -> None:
    for words in (("--remove",), ("--remove", "--systemd")):
        ended = schedule(folder, *words)
        assert ended.status == 2
        assert "is there" in ended.err
        assert "--campaign" in ended.err


def test_a_timer_is_written_started_and_taken_out(folder: Path) -> None:
    done = schedule(folder, "--at", "mon-fri 09:30,13:30", "--systemd", "--install")
    assert done.status == 0, done.err
    units = folder.parent / ".config" / "systemd" / "user"
    (timer,) = units.glob("*.timer")
    (service,) = units.glob("*.service")
    assert "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 09,13:30:00" in timer.read_text()
    text = service.read_text()
    assert f"WorkingDirectory={folder}".replace("%", "%%") in text
    assert "50%% of a clinic's/people.csv\"" in text
    asked = (folder.parent / "bin" / "asked").read_text().splitlines()
    assert asked == ["--user daemon-reload", f"--user enable --now {timer.name}"]
    assert schedule(folder, "--remove", "--systemd").status == 0
    assert not list(units.iterdir())


def test_without_cron_the_lines_can_still_be_printed(folder: Path) -> None:
    words = ("schedule", "people.csv", "--at", "09:30")
    assert call(folder, *words, PATH="/nowhere").status == 0
    ended = call(folder, *words, "--install", PATH="/nowhere")
    assert ended.status == 2
    assert "there is no `crontab`" in ended.err


def test_a_crontab_that_refuses_is_quoted_and_left_alone(folder: Path) -> None:
    refusing = folder.parent / "bin" / "crontab"
    refusing.write_text("#!/bin/sh\necho 'you are not allowed to use this program' >&2\nexit 1\n")
    ended = schedule(folder, "--at", "09:30", "--install")
    assert ended.status == 2
    assert "not allowed to use this program" in ended.err


def test_starts_at_night_and_a_sandbox_are_warned_of(folder: Path) -> None:
    warned = schedule(folder, "--at", "03:00", "--at", "sun 12:00")
    assert "no start lies within campaign.calling_window" in warned.err
    assert "sandbox" in warned.err
    assert "calling_window" not in schedule(folder, "--at", "03:00", "--at", "12:00").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), 'add --at "mon-fri 09:30"'),
        (("--at", "noon"), "is no time"),
        (("--at", "09:30", "--install", "--remove"), "one of them"),
    ],
)
def test_a_wrong_order_is_told(words: tuple[str, ...], said: str, folder: Path) -> None:
    ended = schedule(folder, *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_contacts_that_are_not_there_are_not_scheduled(folder: Path) -> None:
    for contacts in ("nobody.csv", "-"):
        ended = call(folder, "schedule", contacts, "--at", "09:30", "-n", "x")
        assert ended.status == 2
        assert "hint: " in ended.err
