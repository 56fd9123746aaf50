"""A person's names go out of log and mirror; everybody else's lines stay, byte for byte."""

import json
from pathlib import Path

import pytest

from callagent_cli.domain.traces import Traces
from callagent_cli.events.erasure import erase_from_log, erase_from_mirror

TRACES = Traces(
    contacts=frozenset({("spring", "patient-77"), ("spring", "+12025550100")}),
    calls=frozenset({"ca_ada", "conv_ada"}),
    masked_phone="+1202*****00",
)
THEIRS = (
    {"campaign": "spring", "contact_id": "patient-77", "reason": "no consent"},
    {"campaign": "spring", "contact_id": "+1202*****00", "reason": "its number for an id"},
    {"contact_id": "patient-77", "reason": "by hand"},
    {"service": "elevenlabs", "error": "no conversation conv_ada"},
    {"attempt_id": "ca_ada", "contact_id": "older-id", "summary": "said that …"},
    {"phone": "+1202*****00", "reason": "Ada wants no calls"},
)
OTHERS = (
    {"campaign": "autumn", "contact_id": "patient-77", "reason": "another of that id"},
    {"campaign": "spring", "contact_id": "patient-770", "reason": "\u202ehidden"},
    {"campaign": "spring", "attempt_id": "ca_bob", "phone": "+1202*****11", "reason": "busy"},
)


def _log(path: Path, *events: dict[str, str]) -> bytes:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path.read_bytes()


@pytest.mark.parametrize("event", THEIRS)
def test_a_line_about_them_keeps_its_event_and_loses_its_names(
    event: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    _log(path, {"event": "x", **event}, *OTHERS)
    assert erase_from_log(path, TRACES) == 1
    first, *others = [json.loads(line) for line in path.read_text().splitlines()]
    assert (first["event"], others) == ("x", list(OTHERS))
    gone = {"contact_id", "phone", "reason", "error", "summary"} & event.keys()
    assert {first[name] for name in gone} == {"forgotten"}


def test_older_files_are_read_too_and_what_nobody_is_in_stays_untouched(tmp_path: Path) -> None:
    path, older = tmp_path / "app.log", tmp_path / "app.log.2"
    before = _log(path, *OTHERS)
    _log(older, *THEIRS)
    inode = path.stat().st_ino
    assert erase_from_log(path, TRACES) == len(THEIRS)
    assert (path.read_bytes(), path.stat().st_ino) == (before, inode)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["app.log", "app.log.2"]


def test_what_the_log_escaped_stays_escaped(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    _log(path, {"contact_id": "patient-77", "note": "\u202etxt.exe"})
    erase_from_log(path, TRACES)
    assert path.read_text().isascii()


def test_a_torn_line_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"event": "x", "conta\n')
    assert erase_from_log(path, TRACES) == 0


def test_in_the_mirror_a_row_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "mirror.csv"
    path.write_text(
        "key,event,campaign,contact_id,phone,reason\r\n"
        "ca_ada:x,call.placed,spring,patient-77,'+1202*****00,\r\n"
        'run:1,contact.skipped,spring,\'+1202*****00,,"no, never"\r\n'
        "ca_bob:x,call.placed,spring,patient-78,'+1202*****11,\r\n"
    )
    assert erase_from_mirror(path, TRACES) == 2
    assert path.read_bytes().decode().splitlines() == [
        "key,event,campaign,contact_id,phone,reason",
        "ca_ada:x,call.placed,spring,forgotten,forgotten,",
        "run:1,contact.skipped,spring,forgotten,,forgotten",
        "ca_bob:x,call.placed,spring,patient-78,'+1202*****11,",
    ]
