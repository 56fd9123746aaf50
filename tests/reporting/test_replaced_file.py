"""A file that is written anew while others read it."""

import os
import stat
from pathlib import Path

import pytest

from callagent_cli.reporting.replaced_file import replace_file


def test_the_new_file_stands_with_its_rights_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "callagent.prom"
    path.write_text("old")
    path.chmod(0o600)
    replace_file(path, b"new", mode=0o644)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_who_reads_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "callagent.prom"
    path.write_text("old and long")
    with path.open() as reader:
        replace_file(path, b"new", mode=0o644)
        assert reader.read() == "old and long"


def test_a_failure_names_the_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "callagent.prom"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failed:
        replace_file(path, b"new", mode=0o644)
    assert failed.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no regular file"):
        replace_file(pipe, b"new", mode=0o644)
    assert pipe.is_fifo()
