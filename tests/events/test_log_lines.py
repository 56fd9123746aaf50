"""The log read from either end, and while it is written and rotated."""

import random
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callagent_cli.domain.event import Event, EventName, Level
from callagent_cli.events.jsonl import JsonlLog
from callagent_cli.events.log_lines import Follower, LogFiles, older_files

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def forwards(path: Path) -> list[bytes]:
    with LogFiles(path) as files:
        return list(files.forwards())


def backwards(path: Path) -> list[bytes]:
    with LogFiles(path) as files:
        return list(files.backwards())


def write(log: JsonlLog, n: int) -> None:
    log(Event(EventName.CALL_PLACED, AT, Level.INFO, {"run_id": "run_1", "n": n}))


def numbers(lines: list[bytes]) -> list[int]:
    return [int(line.rpartition(b" ")[2].rstrip(b"}")) for line in lines]


@pytest.mark.parametrize("seed", range(20))
def test_both_ends_see_the_same_lines(seed: int, path: Path) -> None:
    dice = random.Random(seed)
    most = dice.choice((3, 300, 30_000))  # lines far shorter and longer than what is read at once
    lines = [b"x" * dice.randrange(most * 5) for _ in range(dice.randrange(60))]
    text = b"".join(line + b"\n" for line in lines) + dice.choice((b"", b"torn"))
    path.write_bytes(text)
    expected = lines + ([b"torn"] if text.endswith(b"torn") else [])
    assert forwards(path) == expected
    assert backwards(path) == expected[::-1]


def test_older_files_come_first(path: Path) -> None:
    for name, text in (("app.log.10", "a"), ("app.log.2", "b"), ("app.log.1", "c")):
        path.with_name(name).write_text(f"{text}\n")
    path.with_name("app.log.gz").write_text("no log\n")
    path.with_name("app.log.draft").write_text("no log\n")
    path.write_text("d\n")
    assert forwards(path) == [b"a", b"b", b"c", b"d"]
    assert backwards(path) == [b"d", b"c", b"b", b"a"]
    assert [older.name for older in older_files(path)] == ["app.log.1", "app.log.2", "app.log.10"]


def test_a_rotation_while_it_is_read_loses_and_doubles_nothing(path: Path) -> None:
    log = JsonlLog(path, max_bytes=300, backups=20)
    for n in range(10):
        write(log, n)
    with LogFiles(path) as files:
        lines = files.forwards()
        first = next(lines)
        for n in range(10, 30):
            write(log, n)
        assert numbers([first, *lines]) == list(range(10))


def test_what_is_written_is_followed_across_rotations(path: Path) -> None:
    log, dice = JsonlLog(path, max_bytes=300, backups=50), random.Random(4)
    write(log, 0)
    seen: list[int] = []
    with LogFiles(path) as files:
        seen += numbers(list(files.forwards()))
        n = 1
        with closing(Follower(path, files)) as follower:
            for _ in range(40):
                for _ in range(dice.choice((0, 1, 2, 9))):  # none, or several files at once
                    write(log, n)
                    n += 1
                seen += numbers(list(follower.new_lines()))
    assert seen == list(range(n))
    assert len(older_files(path)) > 10


def test_a_log_that_does_not_exist_yet_is_followed(path: Path) -> None:
    with LogFiles(path) as files, closing(Follower(path, files)) as follower:
        assert list(follower.new_lines()) == []
        write(JsonlLog(path), 1)
        assert numbers(list(follower.new_lines())) == [1]


def test_a_log_that_is_emptied_in_place_is_followed_on(path: Path) -> None:
    write(JsonlLog(path), 1)
    with LogFiles(path) as files, closing(Follower(path, files)) as follower:
        path.write_bytes(b"")
        assert list(follower.new_lines()) == []
        write(JsonlLog(path), 2)
        assert numbers(list(follower.new_lines())) == [2]


def test_half_a_line_waits_for_its_other_half(path: Path) -> None:
    path.write_bytes(b"")
    with LogFiles(path) as files, closing(Follower(path, files)) as follower:
        path.write_bytes(b"one\ntw")
        assert list(follower.new_lines()) == [b"one"]
        path.write_bytes(b"one\ntwo\n")
        assert list(follower.new_lines()) == [b"two"]
