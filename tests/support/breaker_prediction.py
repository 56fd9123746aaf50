"""What a breaker should do, told a second time and differently, to hold the real one against.

Keeps a plain list of facts and derives: no code, constant or type of the product is used.
"""

from dataclasses import dataclass, field


@dataclass
class Ticket:
    """A call that was let in and has not ended."""

    era: int
    is_trial: bool


@dataclass
class Prediction:
    threshold: int
    recovery_s: float
    cap_s: float
    has_probe: bool
    passes_needed: int

    state: str = "closed"
    now_s: float = 0.0
    streak: int = 0  # failures that count towards the threshold
    opened_at_s: float = 0.0
    break_s: float = 0.0
    outage_began_s: float | None = None
    reopenings: int = 0
    probations_broken: int = 0
    probes: list[bool] = field(default_factory=list)  # since the last opening
    era: int = 0
    calls_out: list[Ticket] = field(default_factory=list)
    told: list[tuple[object, ...]] = field(default_factory=list)

    def trial_in_s(self) -> float | None:
        if self.state not in ("open", "half_open"):
            return None
        if any(ticket.is_trial and ticket.era == self.era for ticket in self.calls_out):
            return None
        left_s = self.opened_at_s + self.break_s - self.now_s
        if self.state == "open" and left_s > 0:
            return left_s
        return None if self.has_probe and self.probes[-1:] != [True] else 0.0

    def lets_in(self) -> bool:
        return self.state == "closed" or self.trial_in_s() == 0.0

    def begin(self) -> Ticket:
        assert self.lets_in()
        if self.state == "open":
            self._become("half_open")
        ticket = Ticket(self.era, self.state == "half_open")
        self.calls_out.append(ticket)
        return ticket

    def end(self, ticket: Ticket, how: str) -> None:
        self.calls_out.remove(ticket)
        if ticket.era != self.era or how == "ignored":
            return
        if how == "ok":
            if self.state == "half_open":
                self._become("closed", self._outage_s(), False)
            self.streak, self.outage_began_s = 0, None
        elif how == "refused":
            self._open("forced_open")
        else:
            self.streak += 1
            if self.state == "half_open" or self.streak >= self.threshold:
                self._open("open")

    def probe(self, *, is_good: bool) -> None:
        if self.state not in ("open", "half_open"):
            return
        self.probes.append(is_good)
        wanted = min(64, self.passes_needed * 2**self.probations_broken)
        if len(self.probes) >= wanted and all(self.probes[-wanted:]):
            self._probation()

    def force(self) -> None:
        if self.state != "forced_open":
            self._open("forced_open")

    def lift(self) -> None:
        if self.state == "forced_open":
            self._probation()

    def _probation(self) -> None:
        self.streak = self.threshold - 1
        self._become("closed", self._outage_s(), True)

    def _open(self, to: str) -> None:
        is_again = self.outage_began_s is not None
        if not is_again:
            self.outage_began_s, self.reopenings, self.probations_broken = self.now_s, 0, 0
        elif to == "open":
            self.reopenings += 1
            self.probations_broken += self.state == "closed"
        self.opened_at_s = self.now_s
        self.break_s = min(self.cap_s, self.recovery_s * 2**self.reopenings)
        self.probes = []
        self._become(to, is_again)

    def _outage_s(self) -> float:
        assert self.outage_began_s is not None
        return self.now_s - self.outage_began_s

    def _become(self, state: str, *facts: object) -> None:
        assert state != self.state
        self.state = state
        self.era += 1
        self.told.append((state, *facts))
