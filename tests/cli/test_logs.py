"""`callagent logs` over the log of a real run, and over logs that are worse."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from callagent_cli.domain.event import EventName
from tests.support.command_line import Ended, Typed, call, environ, words_of

Finished = tuple[Path, Ended]


def line(n: int, event: str = "call.ended", **more: object) -> str:
    told = {"timestamp": f"2026-03-02T09:{n:02d}:00.000Z", "level": "info", "event": event}
    return json.dumps({**told, "run_id": "run_1", "n": n, **more}) + "\n"


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    """A copy: some tests write into the log."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "app.log"


def records(ended: Ended) -> list[dict[str, object]]:
    assert ended.status == 0
    return [json.loads(text) for text in ended.out.splitlines()]


def test_the_json_line_is_unchanged(typed: Typed, home: Path) -> None:
    assert typed("logs", "--tail", "all", "--json").out == (home / "logs/app.log").read_text()


def test_lines_for_people_name_event_and_person_and_no_number(typed: Typed, home: Path) -> None:
    shown = typed("logs", "people", "--tail", "all").out
    assert "call.ended" in shown
    assert "people: c1 +1202*****01: " in shown
    assert "5550101" not in shown
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == len((home / "logs/app.log").read_text().splitlines())


def test_the_last_lines_are_shown_in_order(typed: Typed, log: Path) -> None:
    log.write_text("".join(line(n % 60, no=n) for n in range(120)))
    assert [record["no"] for record in records(typed("logs", "--json"))] == list(range(70, 120))
    assert [r["no"] for r in records(typed("logs", "--json", "--tail", "2"))] == [118, 119]
    assert len(records(typed("logs", "--json", "--run", "run_1"))) == 120
    assert records(typed("logs", "--json", "--tail", "0")) == []


def test_rotated_files_are_read_in_order(typed: Typed, log: Path) -> None:
    log.write_text(line(5))
    log.with_name("app.log.1").write_text(line(3) + line(4))
    log.with_name("app.log.2").write_text(line(1) + line(2))
    for tail in ("all", "5"):
        found = records(typed("logs", "--json", "--tail", tail))
        assert [record["n"] for record in found] == [1, 2, 3, 4, 5]
    assert [r["n"] for r in records(typed("logs", "--json", "--tail", "3"))] == [3, 4, 5]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--event", "call.placed"], [1]),
        (["--event", "call"], [1, 2]),
        (["--event", "breaker", "--event", "call.placed"], [1, 3]),
        (["--service", "crm"], [4]),
        (["--service", "crm", "--service", "elevenlabs"], [3, 4]),
        (["--level", "warning"], [3, 4]),
        (["--level", "error"], [3]),
        (["--run", "run_2"], [5]),
        (["--since", "2026-03-02T09:03:00Z"], [3, 4, 5]),
        (["--until", "2026-03-02T10:02:00+01:00"], [1, 2]),
        (["--since", "2026-03-02T09:02:00Z", "--until", "2026-03-02T09:03:00Z"], [2, 3]),
        (["--event", "call", "--level", "warning"], []),
    ],
    ids=str,
)
def test_filters(words: list[str], expected: list[int], typed: Typed, log: Path) -> None:
    log.write_text(
        line(1, "call.placed")
        + line(2)
        + line(3, "breaker.opened", service="elevenlabs", level="error")
        + line(4, "delivery.failed", service="crm", level="warning")
        + line(5, "run.finished", run_id="run_2")
    )
    assert [record["n"] for record in records(typed("logs", "--json", *words))] == expected


def test_a_span_of_time_counts_back_from_now(typed: Typed, home: Path) -> None:
    """The sandbox's now."""
    whole = records(typed("logs", "--json", "--tail", "all"))
    assert records(typed("logs", "--json", "--since", "7d")) == whole
    assert records(typed("logs", "--json", "--until", "7d")) == []


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--event", "call.endd"], "no event 'call.endd'", "did you mean call.ended?"),
        (["--event", "breakers"], "no event 'breakers'", "did you mean breaker?"),
        (["--service", "elevenlab"], "no service 'elevenlab'", "did you mean elevenlabs?"),
        (["--level", "warn"], "no level 'warn'", "did you mean warning?"),
        (["peple"], "no campaign 'peple'", "did you mean people?"),
        (["--since", "soon"], "--since 'soon' is no time", "write 2h"),
        (["--until", "2026-13-01"], "--until '2026-13-01' is no time", "write 2h"),
        (["--tail", "few"], "--tail 'few' is no number", "or all"),
        (["--contact", "+1202"], "'+1202': ", ""),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_slip_names_the_nearest(
    words: list[str], said: str, hint: str, typed: Typed, home: Path
) -> None:
    ended = typed("logs", *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert hint in ended.err


@pytest.mark.parametrize("name", ["c1", "+12025550101", "(202) 555-0101"])
def test_a_person_is_found_by_number_and_id(name: str, typed: Typed, home: Path) -> None:
    found = records(typed("logs", "--contact", name, "--json"))
    assert {record["contact_id"] for record in found} == {"c1"}
    assert {"call.placed", "call.ended"} <= {record["event"] for record in found}


def test_a_contact_without_an_id_is_found_by_number(typed: Typed, home: Path) -> None:
    found = records(typed("logs", "--contact", "+12025550103", "--json"))
    assert {record["phone"] for record in found} == {"+1202*****03"}
    assert "call.placed" in {record["event"] for record in found}


def test_another_number_that_is_masked_alike_is_told_apart_or_told_of(
    typed: Typed, home: Path
) -> None:
    theirs = {"phone": "+1202*****03", "campaign": "people"}
    with (home / "logs/app.log").open("a") as file:
        file.write(line(1, attempt_id="ca_other", contact_id="+1202*****03", **theirs))
        file.write(line(2, contact_id="own-id", **theirs))
        file.write(line(3, "contact.held", contact_id="+1202*****03", **theirs))
    ended = typed("logs", "--contact", "+12025550103", "--json")
    assert {record.get("n") for record in records(ended)} == {None, 3}
    assert "1 line knows this number only as it is masked, +1202*****03" in ended.err


def test_somebody_unknown_is_told_of(typed: Typed, home: Path) -> None:
    ended = typed("logs", "--contact", "nobody")
    assert (ended.status, ended.out) == (0, "")
    assert "no campaign knows this contact" in ended.err


def test_broken_lines_are_counted_and_passed_over(typed: Typed, log: Path) -> None:
    whole = line(1) + line(2)
    broken = '{"timestamp": "2026-03-02T09:0\n[1]\n{"level": 1}\nnull}\n{"event": \n\n\xff{}\n'
    log.write_bytes(whole.encode() + broken.encode("latin-1") + line(3).encode() + b'{"torn')
    for tail in ("all", "50"):
        ended = typed("logs", "--json", "--tail", tail)
        assert [record["n"] for record in records(ended)] == [1, 2, 3]
        assert "7 lines are broken" in ended.err


def test_what_could_steer_a_terminal_is_not_shown(typed: Typed, log: Path) -> None:
    log.write_text(
        line(1, "\x1b[31mevil", campaign="a\u202eb", error="x\ny\x07", level=7)
        + line(2, "call.refused", error="no +12025550101 \x1b]0;t\x07", contact_id="c\n1")
    )
    shown = typed("logs").out
    assert shown.replace("\n", "").isprintable()
    assert len(shown.splitlines()) == 2
    assert "5550101" not in shown


def test_every_event_has_a_line(typed: Typed, log: Path) -> None:
    log.write_text("".join(line(1, name, contact_id="c1") for name in EventName))
    shown = typed("logs").out.splitlines()
    assert [text[21:].split()[0] for text in shown] == [name.value for name in EventName]


def test_no_log_is_no_error(typed: Typed) -> None:
    ended = typed("logs")
    assert (ended.status, ended.out) == (0, "")
    assert "there is no log yet" in ended.err


def test_a_log_that_cannot_be_read_is_told(typed: Typed, log: Path) -> None:
    log.mkdir()
    ended = typed("logs")
    assert (ended.status, ended.out) == (2, "")
    assert "cannot be read: Is a directory" in ended.err


@pytest.fixture
def following(home: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        words_of("logs", "--follow", "--json", "--event", "run", "--tail", "1"),
        cwd=home,
        env=environ(),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    yield process
    process.kill()
    process.communicate(timeout=60)


def test_the_log_of_a_run_is_followed_across_rotation(
    home: Path, following: "subprocess.Popen[str]"
) -> None:
    assert following.stdout is not None
    first = json.loads(following.stdout.readline())
    assert (first["event"], first["campaign"]) == ("run.finished", "people")
    config = home / "config.yml"
    config.write_text(f"{config.read_text()}logging: {{max_bytes: 10000, backups: 50}}\n")
    rows = "".join(f"+121255501{n:02d},America/New_York\n" for n in range(40))
    (home / "more.csv").write_text(f"phone,timezone\n{rows}")
    call(home, "run", "more.csv")
    assert (home / "logs/app.log.1").exists()
    seen = [json.loads(following.stdout.readline()) for _ in range(2)]
    assert [record["event"] for record in seen] == ["run.started", "run.finished"]
    assert {record["campaign"] for record in seen} == {"more"}
    following.send_signal(signal.SIGINT)
    out, _ = following.communicate(timeout=60)
    assert (out, following.returncode) == ("", 130)


def test_who_reads_no_further_ends_it(home: Path) -> None:
    process = subprocess.Popen(
        words_of("logs", "--tail", "all"), cwd=home, env=environ(), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 0
