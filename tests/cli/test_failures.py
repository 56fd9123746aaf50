import errno
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.failures import told
from callagent_cli.domain.errors import (
    CircuitOpen,
    ConfigError,
    InputError,
    Interrupted,
    LedgerBusy,
    LedgerError,
    RefusalKind,
    ServiceRefused,
    TransientError,
)


@pytest.fixture(autouse=True)
def _own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


def failing(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("x"), 2),
        (InputError("x"), 2),
        (LedgerError("x"), 2),
        (LedgerBusy("x"), 75),
        (Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (ServiceRefused("elevenlabs", "x", kind=RefusalKind.CREDENTIALS), 5),
        (TransientError("elevenlabs", "x"), 4),
        (
            CircuitOpen(
                "elevenlabs", "x", since_s=1, retry_after_s=None, last_error="", is_forced=False
            ),
            4,
        ),
        (KeyError("x"), 1),
        (RecursionError(), 1),
        (SystemExit(), 0),
        (SystemExit(3), 3),
    ],
)
def test_each_error_has_its_status_and_no_traceback(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(failing(error)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    if not isinstance(error, SystemExit):
        assert err.startswith("error: ")
        assert err.count("\n") == 1


def test_status_of_the_command_is_returned() -> None:
    assert told(lambda: ExitStatus.FAILED) == 3
    assert told(lambda: None) == 0


def test_hint_follows_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    told(failing(InputError("no such file", hint="look again")))
    assert capsys.readouterr().err == "error: no such file\nhint: look again\n"


def test_message_from_outside_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    told(failing(InputError("a\x1b[2Jb\u202ec", hint="d\x07e")))
    assert capsys.readouterr().err == "error: a[2Jbc\nhint: de\n"


def test_bug_is_one_line_and_its_details_a_file_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELEVEN_API_KEY", "sk_canary_key")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("export SMTP_PASS='canary pass'\n# comment\nBROKEN\n")

    def command() -> object:
        local_secret = "canary local"
        text = "key sk_canary_key, canary pass, +12025550123, 2025550123"
        raise RuntimeError(text) from ValueError(len(local_secret))

    assert told(command) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("error: a bug in callagent: RuntimeError")
    [kept] = tmp_path.glob("callagent-crash-*.txt")
    assert str(kept) in err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    details = kept.read_text()
    assert "test_failures.py" in details
    assert "RuntimeError: key [ELEVEN_API_KEY], [SMTP_PASS]" in details
    assert "ValueError" in details
    for canary in ("sk_canary_key", "canary pass", "5550123"):
        assert canary not in details


def test_bug_without_a_place_for_its_details_is_told_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    assert told(failing(KeyError("x"))) == 1
    assert "no file: No such file or directory" in capsys.readouterr().err


def test_thread_that_dies_leaves_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> object:
        thread = threading.Thread(target=failing(KeyError("x")))
        thread.start()
        thread.join(10)
        return 0

    assert told(command) == 0
    err = capsys.readouterr().err
    assert err.startswith("error: a bug in callagent: KeyError")
    assert err.count("\n") == 1


def test_reader_that_has_gone_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert told(failing(BrokenPipeError(errno.EPIPE, "Broken pipe"))) == 0
    assert capfd.readouterr().err == ""


def test_closed_stderr_changes_no_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert told(failing(InputError("x"))) == 2


def test_name_that_the_encoding_lacks_is_shown_as_escapes() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w", encoding="ascii") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert told(lambda: print("陈伟")) == 0
    with os.fdopen(read) as answer:
        assert answer.read() == "\\u9648\\u4f1f\n"
