"""The two sides of each comparison, each a process that measures its own work.

`python -m benchmarks.sides RESULT SIDE WORDS…` writes a `processes.Cost` to RESULT as JSON.
"""

import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.contacts import number


class Meter:
    """Wall and CPU time (of all threads) of the work, and the process's peak memory."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall_s = time.perf_counter() - wall_s
            self.cpu_s = time.process_time() - cpu_s

    def write(self, path: Path) -> None:
        cost = {"wall_s": self.wall_s, "cpu_s": self.cpu_s, "peak_mb": peak_mb()}
        path.write_text(json.dumps(cost))


def peak_mb() -> float:
    """Of this process alone: ru_maxrss would count the parent's as well."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS: bytes


def bare(meter: Meter, url: str, calls: str, threads: str) -> None:
    """The plain way: a requests.Session each thread, the same two requests a contact."""
    import requests

    session = threading.local()

    def call(n: int) -> None:
        if not hasattr(session, "own"):
            session.own = requests.Session()
        body = dial_body(n)
        dialled = session.own.post(
            f"{url}/v1/convai/twilio/outbound-call", json=body, headers=_KEY, timeout=90
        )
        conversation_id = dialled.json()["conversation_id"]
        read = session.own.get(
            f"{url}/v1/convai/conversations/{conversation_id}", headers=_KEY, timeout=30
        )
        if read.json()["status"] != "done":
            raise RuntimeError("the call has not ended")

    _share_out(meter, call, int(calls), int(threads))


_KEY = {"xi-api-key": "key_1"}


def dial_body(n: int) -> dict[str, object]:
    attempt_id = f"ca_{n:026d}"
    variables = {
        "name": f"Person {n}",
        "email": f"p{n}@example.com",
        "appointment": "Tuesday 10:30",
        "callagent_attempt_id": attempt_id,
    }
    return {
        "agent_id": "agent_1",
        "agent_phone_number_id": "phnum_1",
        "to_number": number(n),
        "conversation_initiation_client_data": {
            "user_id": attempt_id,
            "dynamic_variables": variables,
        },
        "telephony_call_config": {"ringing_timeout_secs": 60},
    }


def edge(meter: Meter, url: str, calls: str, threads: str) -> None:
    """callagent's own HTTP and nothing else: a connection a dial, deadlines, sorted answers."""
    from callagent_cli.domain.call import Claim, Script, Ticket
    from callagent_cli.domain.clock import SystemClock
    from callagent_cli.domain.contact import Contact
    from callagent_cli.services.elevenlabs import ElevenLabs
    from callagent_cli.services.http_session import HttpSession, Timeouts

    clock = SystemClock()
    session = HttpSession("elevenlabs", url, headers=_KEY, timeouts=Timeouts(), clock=clock)
    dialer = ElevenLabs(
        session,
        agent_id="agent_1",
        agent_phone_number_id="phnum_1",
        telephony="twilio",
        ringing_timeout_s=60,
        clock=clock,
    )
    now = datetime.now(UTC)

    def call(n: int) -> None:
        contact = Contact(id=f"c-{n}", phone=number(n), name=f"Person {n}")
        ticket = Ticket(Claim(f"ca_{n:026d}", 1, "bench", contact, 0), now)
        script = Script(variables={"name": f"Person {n}", "appointment": "Tuesday 10:30"})
        placed = dialer.place(ticket, script)
        if not dialer.read(placed.conversation_id).is_ended:
            raise RuntimeError("the call has not ended")

    _share_out(meter, call, int(calls), int(threads))


def _share_out(meter: Meter, call: Callable[[int], None], calls: int, threads: int) -> None:
    """Each thread takes the next number until none is left."""
    numbers = iter(range(calls))
    lock, done = threading.Lock(), 0

    def work() -> None:
        nonlocal done
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            call(n)
            with lock:
                done += 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    with meter.running():
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if done != calls:
        raise RuntimeError(f"{done} of {calls} calls were made")


def run(meter: Meter, *words: str) -> None:
    """The real program, whole; measured from its first claim to its last outcome."""
    from callagent_cli.campaign.session import Session
    from callagent_cli.cli.app import run_app

    work = Session.work

    def measured(session: Session, heartbeat: Callable[[], None]) -> None:
        with meter.running():
            work(session, heartbeat)

    Session.work = measured  # type: ignore[method-assign, assignment]  # the meter's place
    sys.argv = ["callagent", "run", *words]
    if status := run_app():
        sys.exit(status)


def read(meter: Meter, path: str) -> None:
    """Intake alone."""
    from callagent_cli.intake.contacts import read_contacts

    with meter.running():
        rows = sum(1 for _ in read_contacts(Path(path), default_region="US"))
    _check_rows(rows, path)


def plan(meter: Meter, path: str) -> None:
    """`callagent plan`, whole, with what the ledger of this folder knows, if there is one."""
    from callagent_cli.cli.app import run_app

    sys.argv = ["callagent", "plan", path, "--campaign", "bench", "--json"]
    said = io.StringIO()
    with redirect_stdout(said), meter.running():
        status = run_app()
    if status:
        sys.exit(status)
    told = json.loads(said.getvalue())
    _check_rows(sum(told["verdicts"].values()), path)


def take_in(meter: Meter, path: str, name: str = "ledger") -> None:
    """Intake, with each contact committed to a new ledger."""
    from callagent_cli.domain.clock import SystemClock
    from callagent_cli.intake.contacts import read_contacts
    from callagent_cli.ledger.store import Ledger

    folder, clock = Path.cwd() / ".callagent", SystemClock()
    with Ledger.open(folder, name=name, clock=clock) as ledger, meter.running():
        file = read_contacts(Path(path), default_region="US")
        counts = ledger.import_contacts("bench", file, source="bench")
    _check_rows(counts.new, path)


def numbers_alone(meter: Meter, path: str) -> None:
    """The least that an intake must do: read the rows, and understand each number."""
    import csv

    import phonenumbers

    valid = 0
    with meter.running(), Path(path).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            phone = phonenumbers.parse(row["phone"], "US")
            valid += phonenumbers.is_valid_number(phone)
            phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.E164)
    _check_rows(valid, path)


def _check_rows(rows: int, path: str) -> None:
    with Path(path).open("rb") as file:
        wanted = sum(1 for _ in file) - 1
    if rows != wanted:
        raise RuntimeError(f"{rows} contacts of {wanted} rows")


SIDES: dict[str, Callable[..., None]] = {
    side.__name__: side for side in (bare, edge, run, read, plan, take_in, numbers_alone)
}

if __name__ == "__main__":
    meter, (_, result, name, *words) = Meter(), sys.argv
    SIDES[name](meter, *words)
    meter.write(Path(result))
