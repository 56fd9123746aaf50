"""Did the person say, in the call, that they want no more calls?"""

from dataclasses import dataclass

from callagent_cli.domain.call import Disposition, Outcome

_YES = frozenset({"true", "yes", "y", "1"})


@dataclass(frozen=True, slots=True)
class OptOutRule:
    field: str = "do_not_call"  # of the call's data collection
    dispositions: frozenset[Disposition] = frozenset()

    def heard(self, outcome: Outcome) -> str | None:
        """How it was said; None: it was not."""
        if outcome.collected.get(self.field, "").strip().lower() in _YES:
            return f"the call's data says {self.field}"
        if outcome.disposition in self.dispositions:
            return f"the call ended as {outcome.disposition}"
        return None
