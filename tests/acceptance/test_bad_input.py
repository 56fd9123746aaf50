"""Bad input is expected input: one message, the right status, nothing dialled, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _call(folder: Path, *words: str) -> tuple[int, str, str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "callagent_cli", *words],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


FILES: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "does not exist"),
    "empty": (b"", "empty"),
    "header only": (b"id,phone\n", "no rows"),
    "no phone column": (b"id,telefon\n1,+12025550100\n", "phone"),
    "binary": (b"\x7fELF\x00\x01", "binary"),
    "a workbook": (b"PK\x03\x04....xl/", "CSV"),
    "an open quote": (b'id,phone\n1,"+12025550100\n2,3\n', "quote"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_cannot_be_read_is_one_clear_message(what: str, tmp_path: Path) -> None:
    data, word = FILES[what]
    if data is not None:
        (tmp_path / "people.csv").write_bytes(data)
    status, out, err = _call(tmp_path, "run", "people.csv")
    assert (status, out) == (2, "")
    assert err.count("error: ") == 1
    assert word in err
    assert "Traceback" not in err
    assert not (tmp_path / ".callagent").exists() or not list(tmp_path.glob(".callagent/*.db"))


def test_a_folder_is_no_contacts_file(tmp_path: Path) -> None:
    status, out, err = _call(tmp_path, "run", ".")
    assert (status, out) == (2, "")
    assert "folder" in err or "directory" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rnu", "x.csv"), "run"),
        (("run",), "CONTACTS"),
        (("run", "x.csv", "--limti", "3"), "--limit"),
        (("run", "x.csv", "--limit", "many"), "--limit"),
        (("run", "people.csv", "--max-duration", "soon"), "max-duration"),
        (("run", "people.csv", "--campaign", "Spring Sale!"), "campaign name"),
        (("report", "sprnig"), "callagent run CONTACTS"),
        (("status", "nobody"), "nobody"),
        (("health", "elevenlab"), "elevenlabs"),
        (("simulate", "--fail", "elevenlab"), "elevenlabs"),
        (("simulate", "--fail", "elevenlabs:504"), "503"),
        (("simulate", "--fail", "elevenlabs@9-3"), "ends before"),
        (("resolve", "ca_x", "--called", "--by", "Kim"), "ca_x"),
        (("retry", "nobody"), "nobody"),
        (("alerts", "test", "pigeon"), "pigeon"),
        (("config", "chekc"), "check"),
        (("backup", "/nowhere/x.db"), ""),
        (("run", "people.csv", "-c", "nowhere.yml"), "nowhere.yml"),
    ],
)
def test_a_wrong_word_names_the_mistake_and_the_next_step(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("phone\n+12025550100\n")
    status, _, err = _call(tmp_path, *words)
    assert status == 2
    assert "error: " in err
    assert said in err
    assert "Traceback" not in err
    assert len(err.splitlines()) < 24
