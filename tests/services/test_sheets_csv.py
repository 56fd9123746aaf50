"""The sheet's stand-in: a file that a person may open and a crash may cut."""

import csv
import errno
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import AmbiguousError, ServiceRefused, TransientError
from callagent_cli.services.sheets_csv import CsvMirror

COLUMNS = ("at", "event", "note")
HEADER = "key,at,event,note\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mirror.csv"


@pytest.fixture
def mirror(path: Path) -> CsvMirror:
    return CsvMirror(path, columns=COLUMNS)


def _owed(key: str, *, tries: int = 0, **row: object) -> Delivery:
    values = {"at": "18:00", "event": "call.finished", **row}
    return Delivery(key, {"row": values}, datetime(2026, 11, 23, 18, tzinfo=UTC), tries)


def _keys(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row[0] for row in csv.reader(file)]


def test_the_header_comes_once_and_the_file_is_the_owner_s_alone(
    mirror: CsvMirror, path: Path
) -> None:
    mirror.deliver([_owed("k1", note=7)])
    mirror.deliver([_owed("k2"), _owed("k3", note=True)])
    assert path.read_text() == (
        HEADER
        + "k1,18:00,call.finished,7\n"
        + "k2,18:00,call.finished,\n"
        + "k3,18:00,call.finished,True\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["=1+1", "+12025550123", "@x", "-2", "\t=1", "a\r\nb\u2028c", '"']
)
def test_a_text_is_one_line_and_no_formula(text: str, mirror: CsvMirror, path: Path) -> None:
    mirror.deliver([_owed("k1", note=text), _owed("=k2")])
    assert path.read_text().count("\n") == 3
    note = list(csv.reader(path.read_text().splitlines()))[1][3]
    assert not note.startswith(("=", "+", "-", "@", "\t"))
    assert _keys(path)[2] == "'=k2"


def test_a_repeat_leaves_out_what_is_there(mirror: CsvMirror, path: Path) -> None:
    mirror.deliver([_owed("=k1"), _owed("k2")])
    mirror.deliver([_owed("=k1", tries=1), _owed("k2", tries=1), _owed("k3", tries=1)])
    assert _keys(path) == ["key", "'=k1", "k2", "k3"]


def test_every_cut_of_a_crash_is_mended_by_the_repeat(mirror: CsvMirror, path: Path) -> None:
    batch = [_owed("k1", note='say "ä", twice'), _owed("k2", note="end")]
    mirror.deliver(batch)
    whole = path.read_bytes()
    again = [_owed("k1", tries=1, note='say "ä", twice'), _owed("k2", tries=1, note="end")]
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        mirror.deliver(again)
        assert path.read_bytes() == whole, f"cut after {length} bytes"


def test_a_last_line_that_an_editor_has_not_ended_is_kept(mirror: CsvMirror, path: Path) -> None:
    mirror.deliver([_owed("k1")])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    mirror.deliver([_owed("k2")])
    assert _keys(path) == ["key", "k1", "k2"]


def test_a_long_torn_line_is_found(mirror: CsvMirror, path: Path) -> None:
    mirror.deliver([_owed("k1")])
    whole = path.read_bytes()
    path.write_bytes(whole + b'k2,"' + b"x" * 200_000)
    mirror.deliver([_owed("k3")])
    assert _keys(path) == ["key", "k1", "k3"]


def test_a_file_of_something_else_is_left_alone(mirror: CsvMirror, path: Path) -> None:
    path.write_text("name,phone\nAnn,+12025550123\n")
    with pytest.raises(ServiceRefused, match="cell A1 should be 'key'") as refused:
        mirror.deliver([_owed("k1")])
    assert "move the file away" in refused.value.hint
    assert path.read_text() == "name,phone\nAnn,+12025550123\n"


def test_a_file_saved_by_a_spreadsheet_program_is_gone_on_with(
    mirror: CsvMirror, path: Path
) -> None:
    path.write_bytes(b"\xef\xbb\xbfkey,at,event,note,mine\r\nk1,1,2,3,4\r\n")
    mirror.deliver([_owed("k1", tries=1), _owed("k2", tries=1)])
    assert path.read_bytes().endswith(b"k1,1,2,3,4\r\nk2,18:00,call.finished,\n")


def test_what_cannot_be_written_needs_a_person(path: Path, tmp_path: Path) -> None:
    for bad in (tmp_path, tmp_path / "none" / "mirror.csv", Path("/dev/full")):
        with pytest.raises(ServiceRefused, match=r"cannot be written|is not a file") as refused:
            CsvMirror(bad, columns=COLUMNS).deliver([_owed("k1")])
        assert refused.value.hint


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """A file of this process cannot grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_batch_that_does_not_fit_leaves_nothing_and_may_fit_later(
    mirror: CsvMirror, path: Path
) -> None:
    mirror.deliver([_owed("k1")])
    before = path.read_bytes()
    with _room_for(len(before) + 40), pytest.raises(TransientError):
        mirror.deliver([_owed(f"b{number}") for number in range(50)])
    assert path.read_bytes() == before
    mirror.deliver([_owed("b0")])
    assert _keys(path) == ["key", "k1", "b0"]


def _disk_full(*args: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_in_words(
    mirror: CsvMirror, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", _disk_full)
    with pytest.raises(TransientError, match="the disk is full"):
        mirror.deliver([_owed("k1")])
    monkeypatch.undo()
    mirror.deliver([_owed("k1")])
    assert _keys(path) == ["key", "k1"]


def test_a_batch_that_cannot_be_taken_back_is_in_doubt(
    mirror: CsvMirror, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.deliver([_owed("k1")])
    monkeypatch.setattr(os, "fsync", _disk_full)
    monkeypatch.setattr(os, "ftruncate", _disk_full)
    with pytest.raises(AmbiguousError):
        mirror.deliver([_owed("k2")])
    monkeypatch.undo()
    mirror.deliver([_owed("k2", tries=1)])
    assert _keys(path) == ["key", "k1", "k2"]


@pytest.mark.parametrize("content", [b"one line of a diary", b"a,b,c,d", b"\xff\x00"])
def test_another_s_file_without_a_line_break_is_not_touched(
    content: bytes, mirror: CsvMirror, path: Path
) -> None:
    path.write_bytes(content)
    with pytest.raises(ServiceRefused):
        mirror.deliver([_owed("k1")])
    assert path.read_bytes() == content


def test_no_file_is_left_open(mirror: CsvMirror) -> None:
    mirror.deliver([_owed("k1")])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        mirror.deliver([_owed(f"b{number}", tries=1)])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
