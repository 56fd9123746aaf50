import sys
import threading
from pathlib import Path

import pytest

from callagent_cli.__main__ import main
from tests.support.command_line import Ended, Typed, call

_EVIL = "Bob [/foo]\x1b[31m\u202eevil " + "x" * 10_000
_ROWS = f"""id,name,phone,timezone
c1,Ada,+12025550101,America/New_York
c2,"{_EVIL}",+12025550102,America/New_York
,=cmd|' /C calc'!A0,+12025550103,America/New_York
c4,陈伟,+12025550104,America/New_York
c5,Wrong,123,America/New_York
"""


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Type a command in an empty folder; quicker than a process of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back afterwards

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["callagent", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A folder in which a sandbox campaign called `people` has run, and how it ended."""
    folder = tmp_path_factory.mktemp("campaign")
    (folder / "config.yml").write_text("sandbox: {speed: 1000000}\n")
    (folder / "people.csv").write_text(_ROWS, encoding="utf-8")
    return folder, call(folder, "run", "people.csv")
