"""What the provider knows under one API key: its log of dials and its conversations."""

import hashlib
import json
import os
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.oracle import conversations
from tests.oracle.faults import Mode, mode_of

_READ_AGAIN = 40  # a writer may hold the ledger for a moment
_ASK_AGAIN_S = 0.1
PATIENCE_S = 120.0
NOT_TOLD = "not told"  # by a ledger that was away


@dataclass(frozen=True, slots=True)
class Terms:
    """How a world behaves, and where it looks and writes."""

    schedule: str
    seed: int
    log: Path
    ledger: str  # the product's ledger, a path or a URL: looked at, at every dial
    journal: Path | None = None  # the product's dial journal: read at every dial
    patience_s: float = PATIENCE_S  # with a server that is away: no provider waits for a ledger


@dataclass(slots=True)
class Call:
    conversation_id: str
    attempt_id: str
    request: dict[str, Any]
    started_unix: int
    hidden: int  # look-ups that will not show it yet
    rows: int
    reads: int = 0

    @property
    def is_ended(self) -> bool:
        return self.reads > conversations.reads_until_end(str(self.request["to_number"]))


class World:
    """Thread-safe. Every dial is on disk before anybody is told of it."""

    def __init__(self, key: str, terms: Terms) -> None:
        self._key = key
        self._terms = terms
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._dials: dict[str, int] = {}  # number → dials seen
        self._sequence = 0
        self._log_fd = os.open(terms.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def dial(self, body: bytes) -> tuple[Mode, str]:
        """Write one dial down; return how to answer it, and its conversation's id if it rang."""
        request = json.loads(body)
        phone = str(request["to_number"])
        data = request.get("conversation_initiation_client_data") or {}
        attempt_id = str((data.get("dynamic_variables") or {}).get("callagent_attempt_id", ""))
        seen = _state_in_ledger(self._terms, attempt_id)
        in_journal = _is_in_journal(self._terms.journal, attempt_id)
        with self._lock:
            mode = self._mode(phone)
            conversation_id = f"conv_{self._key[-8:]}_{len(self._calls):04d}" if mode.rings else ""
            self._write(
                "dial",
                sync=True,
                attempt_id=attempt_id,
                user_id=str(data.get("user_id", "")),
                phone=phone,
                mode=mode.name,
                rang=mode.rings,
                clear_no=mode.is_clear_no,
                conversation_id=conversation_id,
                ledger_state=seen,
                in_journal=in_journal,
                sha256=hashlib.sha256(body).hexdigest(),
            )
            if mode.rings:
                self._calls.append(
                    Call(
                        conversation_id,
                        attempt_id,
                        request,
                        int(time.time()),
                        hidden=mode.hidden,
                        rows=mode.rows,
                    )
                )
        return mode, conversation_id

    def answered(self, conversation_id: str, answer: str) -> None:
        """Note that the answer to a dial was handed to the network."""
        with self._lock:
            self._write("answered", conversation_id=conversation_id, answer=answer)

    def stray(self, what: str) -> None:
        """Note a request that no caller should have made."""
        with self._lock:
            self._write("stray", sync=True, what=what)

    def listed(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """Answer the list of conversations: filters, then one page."""
        wanted = _attempt_asked_for(query)
        since = float((query.get("call_start_after_unix") or ["0"])[0])
        with self._lock:
            self._write("lookup", attempt_id=wanted or "")
            rows = [
                conversations.summary(
                    call.conversation_id, str(call.request["agent_id"]), is_ended=call.is_ended
                )
                for call in reversed(self._calls)
                if wanted in (None, call.attempt_id)
                if call.started_unix >= since and self._shows(call)
                for _ in range(call.rows)
            ]
        start = int((query.get("cursor") or ["0"])[0])
        size = int((query.get("page_size") or ["30"])[0])
        more = start + size < len(rows)
        return {
            "conversations": rows[start : start + size],
            "next_cursor": str(start + size) if more else None,
            "has_more": more,
        }

    def conversation(self, conversation_id: str) -> dict[str, Any] | None:
        with self._lock:
            for call in self._calls:
                if call.conversation_id == conversation_id:
                    call.reads += 1
                    is_ended = call.is_ended
                    self._write("read", conversation_id=conversation_id, is_ended=is_ended)
                    return conversations.detail(
                        conversation_id,
                        call.request,
                        started_unix=call.started_unix,
                        is_ended=is_ended,
                    )
        return None

    def close(self) -> None:
        os.close(self._log_fd)

    def _mode(self, phone: str) -> Mode:
        mode = mode_of(self._terms.schedule, phone, self._terms.seed)
        count = self._dials[phone] = self._dials.get(phone, 0) + 1
        return mode if count <= mode.times else mode_of("ok", phone, self._terms.seed)

    def _shows(self, call: Call) -> bool:
        if call.hidden > 0:
            call.hidden -= 1
            return False
        return True

    def _write(self, kind: str, *, sync: bool = False, **fields: object) -> None:
        self._sequence += 1
        line = {"seq": self._sequence, "kind": kind, "wall": time.time(), **fields}
        line["mono"] = time.monotonic()
        os.write(self._log_fd, (json.dumps(line) + "\n").encode())
        if sync:
            os.fsync(self._log_fd)


def _attempt_asked_for(query: dict[str, list[str]]) -> str | None:
    """Return the attempt id a list request filters by; None when it asks for all."""
    for user_id in query.get("user_id", ()):
        return user_id
    for parameter in query.get("dynamic_variable_params", ()):
        name, _, rest = parameter.partition(":")
        if name == "callagent_attempt_id":
            return rest.partition(":")[2]
    return None


def _state_in_ledger(terms: Terms, attempt_id: str) -> str:
    """Return the attempt's committed state at this moment, seen from outside."""
    ledger = terms.ledger
    if ledger.startswith("postgresql"):
        return _state_on_server(ledger, attempt_id, terms.patience_s)
    problem = "no ledger"
    for _ in range(_READ_AGAIN):
        try:
            source = f"file:{ledger}?mode=ro"
            with closing(sqlite3.connect(source, uri=True, timeout=2)) as connection:
                row = connection.execute(
                    "SELECT state FROM attempts WHERE attempt_id = ?", (attempt_id,)
                ).fetchone()
        except sqlite3.Error as error:
            problem = f"unreadable: {error}"
            time.sleep(0.005)
        else:
            return str(row[0]) if row else "absent"
    return problem


def _state_on_server(url: str, attempt_id: str, patience_s: float) -> str:
    """A frozen server says nothing, not even that it is away: it is asked by a thread that is
    left behind."""
    told: list[str] = []
    give_up_s = time.monotonic() + patience_s

    def ask() -> None:
        while not told and time.monotonic() < give_up_s:
            told.extend(_asked_once(url, attempt_id))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience_s)
    return told[0] if told else NOT_TOLD


def _asked_once(url: str, attempt_id: str) -> list[str]:
    """Empty: the server is being restarted."""
    import psycopg

    asked = "SELECT state FROM callagent.attempts WHERE attempt_id = %s"
    try:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            row = connection.execute(asked, (attempt_id,)).fetchone()
    except psycopg.Error:
        time.sleep(_ASK_AGAIN_S)
        return []
    return [str(row[0]) if row else "absent"]


def _is_in_journal(journal: Path | None, attempt_id: str) -> bool | None:
    if journal is None:
        return None
    try:
        return attempt_id.encode() in journal.read_bytes()
    except OSError:
        return False
