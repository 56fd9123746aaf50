"""The invariants, each recomputed from outside. A check returns what is wrong, in words.

I1  at most one POST of an attempt may have rung; another needs a clear no and a look-up between
I2  a number has at most one open attempt, and not dialled again unless the answer was a clear no
I3  when a dial arrives, its intent is committed in the ledger and in the journal
I4  every number of the file is accounted for, and every dial has its attempt
I5  states move along legal edges only; what is final stays as it is
I6  nobody is dialled who is not in the file
I7  killed and resumed is the same as never killed, but for what is in doubt
I8  what is in doubt stays so until the provider shows the call
I9  no secret and no full number in anything a person gets to see
I11 a run ends with the exit status that its ledger calls for
"""

from collections import Counter
from collections.abc import Callable, Iterator

from tests.oracle.evidence import Evidence, Row
from tests.oracle.world import NOT_TOLD

OPEN = {"claimed", "dialing", "placed", "unknown"}
COMMITTED = {"dialing", "unknown", "placed", "completed"}
_LATE_S = 2.0  # that a dial is written down after the ledger has come back, at most
FINAL = {"completed", "exhausted", "failed", "skipped"}
ACCOUNTED = FINAL | {"needs_review"}
_MOVES = {
    "claimed": {"dialing", "released"},
    "dialing": {"placed", "refused", "unknown"},
    "placed": {"completed"},
    "unknown": {"placed", "completed", "refused"},
    "completed": set(),
    "refused": set(),
    "released": set(),
}


def violations(evidence: Evidence) -> list[str]:
    """Return everything that is wrong; an empty list is the promise kept."""
    return [f"{name}: {what}" for name, check in _CHECKS.items() for what in check(evidence)]


def doubles(evidence: Evidence) -> int:
    """Numbers whose phone rang more than once."""
    rang = Counter(str(dial["phone"]) for dial in evidence.dials if dial["rang"])
    return sum(count > 1 for count in rang.values())


def lost(evidence: Evidence) -> int:
    """Numbers that nobody will ever call, and no person is asked about."""
    return sum(evidence.last.state_of(phone) not in ACCOUNTED for phone in evidence.wanted)


def parked(evidence: Evidence) -> int:
    """Numbers that wait for a person."""
    return sum(evidence.last.state_of(phone) == "needs_review" for phone in evidence.wanted)


def settled(evidence: Evidence) -> int:
    """Calls that were in doubt or half done when a run died, and were completed after all."""
    done = {row["attempt_id"] for row in evidence.last.attempts if row["state"] == "completed"}
    doubtful = {
        row["attempt_id"]
        for snapshot in evidence.snapshots[:-1]
        for row in snapshot.attempts
        if row["state"] in ("dialing", "unknown")
    }
    return len(done & doubtful)


def _one_post(evidence: Evidence) -> Iterator[str]:
    earlier: dict[str, Row] = {}
    asked: set[str] = set()
    for line in evidence.log:
        attempt_id = str(line.get("attempt_id", ""))
        if line["kind"] == "lookup":
            asked.add(attempt_id)
        elif line["kind"] == "dial":
            if not attempt_id or line["user_id"] != attempt_id:
                yield f"a dial without its attempt id: {line}"
            before = earlier.get(attempt_id)
            if before and not before["clear_no"] and before["mode"] != "503-rang":
                yield f"{attempt_id} was sent again after `{before['mode']}`"
            elif before and before["rang"]:
                yield f"{attempt_id} was sent again, though it rang and could be found"
            elif before and attempt_id not in asked:
                yield f"{attempt_id} was sent again without asking for it first"
            earlier[attempt_id] = line
            asked.discard(attempt_id)


def _one_attempt(evidence: Evidence) -> Iterator[str]:
    for snapshot in evidence.snapshots:
        yield from (f"the ledger's SQL allows {what}" for what in snapshot.lets_through)
        open_now = Counter(row["phone"] for row in snapshot.attempts if row["state"] in OPEN)
        yield from (f"{n} open attempts of {phone}" for phone, n in open_now.items() if n > 1)
    settled: dict[str, Row] = {}
    for dial in evidence.dials:
        before = settled.get(str(dial["phone"]))
        if before and before["attempt_id"] != dial["attempt_id"] and not before["clear_no"]:
            yield f"{dial['phone']} was dialled again after `{before['mode']}`"
        settled[str(dial["phone"])] = dial


def _intent_first(evidence: Evidence) -> Iterator[str]:
    for dial in evidence.dials:
        is_unseen = dial["ledger_state"] == NOT_TOLD and _was_away(evidence, dial)
        if dial["ledger_state"] not in COMMITTED and not is_unseen:
            yield f"{dial['attempt_id']} arrived while its attempt was {dial['ledger_state']}"
        if dial["in_journal"] is False:
            yield f"{dial['attempt_id']} arrived and is not in the journal"


def _was_away(evidence: Evidence, dial: Row) -> bool:
    """Whether the ledger could not tell: a dial is written down once it has been asked in vain."""
    return any(
        began_s <= dial["mono"] <= ended_s + _LATE_S for began_s, ended_s in evidence.blinks
    )


def _nobody_lost(evidence: Evidence) -> Iterator[str]:
    last = evidence.last
    if last.problem:
        yield f"the ledger cannot be read: {last.problem}"
    for phone in evidence.wanted:
        if (state := last.state_of(phone)) not in ACCOUNTED:
            yield f"{phone} ends as {state}"
    rows = Counter(str(contact["phone"]) for contact in last.contacts)
    yield from (f"{phone} has {n} rows" for phone, n in rows.items() if n > 1)
    states = {str(row["attempt_id"]): str(row["state"]) for row in last.attempts}
    for dial in evidence.dials:
        state = states.get(str(dial["attempt_id"]), "absent")
        if dial["rang"] and state not in {"placed", "completed", "unknown"}:
            yield f"{dial['attempt_id']} rang and is {state} in the ledger"


def _legal_moves(evidence: Evidence) -> Iterator[str]:
    before: dict[str, Row] = {}
    for snapshot in evidence.snapshots:
        now = {str(row["attempt_id"]): row for row in snapshot.attempts}
        yield from (f"{gone} vanished" for gone in before.keys() - now.keys())
        for attempt_id in before.keys() & now.keys():
            old, new = before[attempt_id], now[attempt_id]
            if new["state"] not in _reachable(str(old["state"])):
                yield f"{attempt_id} went from {old['state']} to {new['state']}"
            if old["disposition"] and old["disposition"] != new["disposition"]:
                yield f"{attempt_id} was {old['disposition']} and is {new['disposition']}"
        before = now


def _reachable(state: str) -> set[str]:
    found, edge = {state}, {state}
    while edge:
        edge = {to for here in edge for to in _MOVES.get(here, set())} - found
        found |= edge
    return found


def _nobody_else(evidence: Evidence) -> Iterator[str]:
    for line in evidence.log:
        if line["kind"] == "stray":
            yield f"stray request: {line['what']}"
    yield from (
        f"{dial['phone']} was dialled and is not in the file"
        for dial in evidence.dials
        if dial["phone"] not in evidence.wanted
    )


def _as_if_never_killed(evidence: Evidence) -> Iterator[str]:
    """Each number ends as the provider's answers call for, whatever was killed on the way."""
    for phone in evidence.wanted:
        rang = [d for d in evidence.dials if d["phone"] == phone and d["rang"]]
        state = evidence.last.state_of(phone)
        true_end = evidence.disposition_of[phone]
        for row in evidence.last.attempts_of(phone):
            if row["state"] == "completed" and row["disposition"] != true_end:
                yield f"{phone} was {true_end}, noted as {row['disposition']}"
        if state == "needs_review" and rang and rang[-1]["mode"] not in {"buried"}:
            yield f"{phone} rang, can be found, and still waits for a person"
        refused = any(d["phone"] == phone and d["clear_no"] for d in evidence.dials)
        if state in FINAL and not rang and not (state == "failed" and refused):
            yield f"{phone} is {state} and was never called"
    unexplained = [p for p in evidence.wanted if _is_parked_by_death(evidence, p)]
    if len(unexplained) > (evidence.kills + evidence.failures) * evidence.concurrency:
        yield f"{evidence.kills} kills left {len(unexplained)} numbers in doubt: {unexplained}"


def _is_parked_by_death(evidence: Evidence, phone: str) -> bool:
    """In doubt, though the provider's answer was not lost: the run must have died just then."""
    unanswerable = {"lost", "buried", "307"}
    modes = {dial["mode"] for dial in evidence.dials if dial["phone"] == phone}
    return evidence.last.state_of(phone) == "needs_review" and not modes & unanswerable


def _doubt_stays(evidence: Evidence) -> Iterator[str]:
    """An attempt in doubt goes on only to `placed` and `completed`: nobody resolved it here."""
    for earlier, later in zip(evidence.snapshots, evidence.snapshots[1:], strict=False):
        now = {str(row["attempt_id"]): str(row["state"]) for row in later.attempts}
        for row in earlier.attempts:
            state = now.get(str(row["attempt_id"]))
            if row["state"] == "unknown" and state not in {"unknown", "placed", "completed"}:
                yield f"{row['attempt_id']} was in doubt and became {state}"


def _nothing_leaks(evidence: Evidence) -> Iterator[str]:
    for name, text in evidence.outputs.items():
        for secret in evidence.secrets:
            if secret in text:
                yield f"{name} shows {secret[:4]}…{secret[-2:]}"
        if "Traceback" in text:
            yield f"{name} shows a traceback"


def _true_status(evidence: Evidence) -> Iterator[str]:
    status = evidence.statuses[-1] if evidence.statuses else None
    states = Counter(str(contact["state"]) for contact in evidence.last.contacts)
    if states["needs_review"]:
        expected = 6
    elif states["failed"]:
        expected = 3
    else:
        expected = 0
    if status != expected:
        yield f"the last run ended with {status}, and {dict(states)} calls for {expected}"


_CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "I1": _one_post,
    "I2": _one_attempt,
    "I3": _intent_first,
    "I4": _nobody_lost,
    "I5": _legal_moves,
    "I6": _nobody_else,
    "I7": _as_if_never_killed,
    "I8": _doubt_stays,
    "I9": _nothing_leaks,
    "I11": _true_status,
}
