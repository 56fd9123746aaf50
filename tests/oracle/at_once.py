"""How many calls were on at the same time, as the provider saw them.

A call is on from its dial to the first reading that shows its end: it is over then, whoever reads
it again because the first reader died before he had written it down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.oracle.evidence import Row


@dataclass(frozen=True, slots=True)
class Span:
    conversation_id: str
    attempt_id: str
    began_s: float
    ended_s: float  # infinite: nobody has seen its end

    def __str__(self) -> str:
        lasted = f"{self.ended_s - self.began_s:.3f} s"
        return f"{self.attempt_id} ({self.conversation_id}) from {self.began_s:.3f} for {lasted}"


def spans(log: Sequence[Row]) -> list[Span]:
    """Of every call that somebody has read. What rang and was never found is left out: how long
    it was on nobody can say."""
    ends: dict[str, float] = {}
    for line in log:
        if line["kind"] == "read":
            end_s = line["mono"] if line["is_ended"] else float("inf")
            ends[line["conversation_id"]] = min(end_s, ends.get(line["conversation_id"], end_s))
    return [
        Span(dial["conversation_id"], dial["attempt_id"], dial["mono"], ends[key])
        for dial in log
        if dial["kind"] == "dial" and (key := dial["conversation_id"]) in ends
    ]


def busiest(log: Sequence[Row]) -> list[Span]:
    """The calls that were on when most were."""
    all_spans = spans(log)
    moments = [
        [span for span in all_spans if span.began_s <= at.began_s < span.ended_s]
        for at in all_spans
    ]
    return max(moments, key=len, default=[])
