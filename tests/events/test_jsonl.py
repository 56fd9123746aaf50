import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callagent_cli.domain.event import EventName, Level
from callagent_cli.events.jsonl import JsonlLog
from tests.support.facts import fact

EVENTS = [
    "run.started",
    "run.finished",
    "run.halted",
    "worker.started",
    "worker.stopped",
    "leader.elected",
    "ledger.lost",
    "ledger.missed",
    "ledger.found",
    "order.opened",
    "order.paused",
    "order.resumed",
    "order.closed",
    "contact.rejected",
    "contact.skipped",
    "contact.held",
    "contact.deferred",
    "contact.failed",
    "contact.exhausted",
    "contact.opted_out",
    "number.suppressed",
    "number.released",
    "list.imported",
    "person.forgotten",
    "call.placed",
    "call.ended",
    "call.refused",
    "call.in_doubt",
    "call.reconciled",
    "call.resolved",
    "request.failed",
    "retry.scheduled",
    "retry.exhausted",
    "breaker.opened",
    "breaker.half_opened",
    "breaker.closed",
    "breaker.held",
    "breaker.released",
    "health.failed",
    "health.passed",
    "alert.sent",
    "alert.failed",
    "delivery.sent",
    "delivery.failed",
    "delivery.dead_lettered",
    "fallback.used",
    "metrics.failed",
    "service.answered",
]

LINE = {
    "type": "object",
    "required": ["timestamp", "level", "event", "run_id"],
    "properties": {
        "timestamp": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "level": {"enum": ["debug", "info", "warning", "error"]},
        "event": {"enum": EVENTS},
        "run_id": {"type": "string", "minLength": 1},
        "campaign": {"type": "string"},
        "contact_id": {"type": "string"},
        "attempt_id": {"type": "string"},
        "attempt_no": {"type": "integer", "minimum": 1},
        "phone": {"type": "string", "pattern": r"^[+0-9]*\*+[0-9]*$"},
        "service": {"type": "string"},
        "error_category": {"enum": ["transient", "permanent", "ambiguous", "throttled"]},
        "error": {"type": "string"},
        "http_status": {"type": "integer"},
        "try_no": {"type": "integer"},
        "retry_count": {"type": "integer"},
        "next_retry_s": {"type": "number"},
        "breaker_state": {"enum": ["closed", "open", "half_open", "forced_open"]},
        "disposition": {
            "enum": ["answered", "no_answer", "busy", "voicemail", "failed", "unknown"]
        },
        "elapsed_ms": {"type": "number"},
        "cost_usd": {"type": "number"},
    },
    "additionalProperties": {"type": ["string", "number", "integer", "boolean"]},
    "if": {"required": ["service"]},
    "then": {"required": ["retry_count", "breaker_state"]},
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_list_of_events_is_closed() -> None:
    assert {name.value for name in EventName} == set(EVENTS)


def test_every_line_keeps_the_schema(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log", level=Level.DEBUG)
    for name in EventName:
        log(fact(name, 1.0005))
    log(
        fact(
            EventName.REQUEST_FAILED,
            service="elevenlabs",
            retry_count=1,
            breaker_state="closed",
            phone="+12025550123",
            error_category="transient",
            http_status=503,
            elapsed_ms=12.5,
            attempt_no=1,
        )
    )
    written = lines(tmp_path / "app.log")
    assert len(written) == len(EventName) + 1
    for line in written:
        jsonschema.validate(line, LINE)


def test_first_fields_have_a_fixed_order(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log")
    log(fact(EventName.CALL_ENDED, 36.125, disposition="answered", contact_id="c1"))
    [line] = lines(tmp_path / "app.log")
    assert list(line) == [
        "timestamp", "level", "event", "run_id", "campaign", "contact_id", "disposition",
    ]  # fmt: skip
    assert line["timestamp"] == "2026-11-23T15:00:36.125Z"


def test_file_and_folder_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "app.log"
    JsonlLog(path)(fact(EventName.RUN_STARTED))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_phone_numbers_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log")
    log(
        fact(
            EventName.CONTACT_FAILED,
            phone="2025550123",
            contact_id="+12025550123",
            error="422: to_number +1 (202) 555-0123 is not valid, nor is +442071838750",
        )
    )
    text = (tmp_path / "app.log").read_text()
    for number in ("2025550123", "555-0123", "2071838750"):
        assert number not in text
    assert lines(tmp_path / "app.log")[0]["contact_id"] == "+1202*****23"


def test_number_that_is_masked_already_stays_as_it_is(tmp_path: Path) -> None:
    JsonlLog(tmp_path / "app.log")(fact(EventName.CALL_PLACED, phone="+1202*****23"))
    assert lines(tmp_path / "app.log")[0]["phone"] == "+1202*****23"


def test_time_with_an_offset_is_no_phone_number(tmp_path: Path) -> None:
    when = "2026-11-23T15:00:00.123456+00:00"
    JsonlLog(tmp_path / "app.log")(fact(EventName.CONTACT_HELD, next_at=when))
    assert lines(tmp_path / "app.log")[0]["next_at"] == when


def test_registered_secrets_are_redacted(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log", redact=("sk_canary", "sk_canary_longer", "", "key"))
    log(fact(EventName.REQUEST_FAILED, error="key sk_canary_longer, then sk_canary"))
    assert lines(tmp_path / "app.log")[0]["error"] == "key [secret], then [secret]"


def test_control_bidi_and_line_breaks_stay_escaped_in_one_line(tmp_path: Path) -> None:
    evil = 'a\nb\x1b[31m\u202e\u2028\ud800"x'
    JsonlLog(tmp_path / "app.log")(fact(EventName.CALL_ENDED, error=evil))
    raw = (tmp_path / "app.log").read_bytes()
    assert raw.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in raw[:-1])
    assert lines(tmp_path / "app.log")[0]["error"] == evil


def test_long_field_is_cut(tmp_path: Path) -> None:
    JsonlLog(tmp_path / "app.log")(fact(EventName.CALL_ENDED, error="x" * 10_000_000))
    assert (tmp_path / "app.log").stat().st_size < 5_000


def test_infinite_number_is_left_out(tmp_path: Path) -> None:
    JsonlLog(tmp_path / "app.log")(fact(EventName.CALL_ENDED, elapsed_ms=float("inf")))
    assert "elapsed_ms" not in lines(tmp_path / "app.log")[0]


def test_lines_below_the_level_are_not_written(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log", level=Level.WARNING)
    log(fact(EventName.CALL_PLACED))
    log(fact(EventName.REQUEST_FAILED))
    assert [line["event"] for line in lines(tmp_path / "app.log")] == ["request.failed"]


def test_full_file_begins_a_new_one_and_keeps_so_many_old_ones(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log", max_bytes=1000, backups=2)
    for number in range(60):
        log(fact(EventName.CALL_PLACED, no=number))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["app.log", "app.log.1", "app.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    kept = [
        line["no"]
        for name in ("app.log.2", "app.log.1", "app.log")
        for line in lines(tmp_path / name)
    ]
    assert kept == list(range(60 - len(kept), 60))
    assert log.problem == ""


def test_no_backups_keeps_the_current_file_only(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "app.log", max_bytes=300, backups=0)
    for number in range(20):
        log(fact(EventName.CALL_PLACED, no=number))
    assert [path.name for path in tmp_path.iterdir()] == ["app.log"]
    assert lines(tmp_path / "app.log")[-1]["no"] == 19


def test_two_logs_on_one_file_lose_no_line_when_both_rotate(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    ours, theirs = (JsonlLog(path, max_bytes=1500, backups=50) for _ in range(2))
    for number in range(100):
        (ours if number % 3 else theirs)(fact(EventName.CALL_PLACED, no=number))
    told = [line["no"] for file in tmp_path.iterdir() for line in lines(file)]
    assert sorted(told) == list(range(100))


@pytest.mark.parametrize("how", ["renamed", "deleted"])
def test_file_moved_away_is_opened_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "app.log"
    log = JsonlLog(path)
    log(fact(EventName.RUN_STARTED))
    if how == "renamed":
        path.rename(tmp_path / "app.log.old")
    else:
        path.unlink()
    log(fact(EventName.RUN_FINISHED))
    assert [line["event"] for line in lines(path)] == ["run.finished"]


def test_line_cut_by_a_crash_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"timestamp": "2026-')
    JsonlLog(path)(fact(EventName.RUN_STARTED))
    cut, whole = path.read_text().splitlines()
    assert cut == '{"timestamp": "2026-'
    assert json.loads(whole)["event"] == "run.started"


def test_full_disk_never_raises_and_is_remembered() -> None:
    log = JsonlLog(Path("/dev/full"))
    log(fact(EventName.RUN_STARTED))
    log(fact(EventName.RUN_FINISHED))
    assert os.strerror(errno.ENOSPC) in log.problem
    assert "2 lines are missing" in log.problem


def test_log_goes_on_once_the_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "app.log", os.write
    log = JsonlLog(path)
    log(fact(EventName.RUN_STARTED))

    def half(fd: int, data: bytes) -> int:
        return write(fd, data[:20])

    monkeypatch.setattr("callagent_cli.events.jsonl.os.write", half)
    log(fact(EventName.CALL_PLACED))
    monkeypatch.undo()
    log(fact(EventName.RUN_FINISHED))
    first, cut, last = path.read_text().splitlines()
    assert json.loads(first)["event"] == "run.started"
    assert len(cut) == 20
    assert json.loads(last)["event"] == "run.finished"
    assert "1 line is missing" in log.problem


@pytest.mark.parametrize("kind", ["folder", "symlink", "pipe", "no folder"])
def test_path_that_is_no_plain_file_is_a_problem_and_no_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "app.log"
    match kind:
        case "folder":
            path.mkdir()
        case "symlink":
            path.symlink_to(tmp_path / "elsewhere")
        case "pipe":
            os.mkfifo(path)
        case _:
            (tmp_path / "file").write_text("")
            path = tmp_path / "file" / "app.log"
    log = JsonlLog(path)
    for _ in range(2000):  # more than a pipe holds
        log(fact(EventName.CALL_PLACED, error="x" * 100))
    assert "could not be written" in log.problem


def test_file_that_another_process_rotates_first_is_not_rotated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.log"
    log = JsonlLog(path, max_bytes=300, backups=5)
    log(fact(EventName.RUN_STARTED))
    log(fact(EventName.CALL_PLACED))

    def too_late(fd: int, how: int) -> None:
        path.rename(tmp_path / "app.log.1")
        path.write_text("")

    monkeypatch.setattr("callagent_cli.events.jsonl.fcntl.flock", too_late)
    log(fact(EventName.RUN_FINISHED))
    assert [line["event"] for line in lines(path)] == ["run.finished"]
    assert len(lines(tmp_path / "app.log.1")) == 2
    assert not (tmp_path / "app.log.2").exists()
