"""The vendor's list of conversations: which calls a query asks for, and the page of them.

Filters that are not known here are ignored, as the vendor ignores unknown ones.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from callagent_cli.simulator.conversations import SimulatedCall
from callagent_cli.simulator.exchange import Invalid

Query = Mapping[str, Sequence[str]]
_PAGE, _LARGEST_PAGE = 30, 100
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True, slots=True)
class Page:
    calls: Sequence[SimulatedCall]
    next_cursor: str | None


def page_of(calls: Sequence[SimulatedCall], agent_id: str, query: Query) -> Page:
    """calls: in the order they were placed, all of that agent. Newest first; raises Invalid."""
    size = _whole(query, "page_size", _PAGE)
    if not 1 <= size <= _LARGEST_PAGE:
        raise Invalid("query", "page_size", f"Input should be from 1 to {_LARGEST_PAGE}")
    start = max(_whole(query, "cursor", 0), 0)
    asks_for = _filter(query, agent_id)
    found = [call for call in reversed(calls) if asks_for(call)]
    end = start + size
    return Page(found[start:end], str(end) if end < len(found) else None)


def _filter(query: Query, agent_id: str) -> Callable[[SimulatedCall], bool]:
    after_s = _whole(query, "call_start_after_unix", 0)
    before_s = _whole(query, "call_start_before_unix", 2**40)
    user_id, asked_agent = _last(query, "user_id"), _last(query, "agent_id")
    tests = [_variable_test(text) for text in query.get("dynamic_variable_params", ())]

    def asks_for(call: SimulatedCall) -> bool:
        return (
            asked_agent in (None, agent_id)
            and user_id in (None, call.user_id)
            and after_s <= call.began_s <= before_s
            and all(test(call.variables) for test in tests)
        )

    return asks_for


def _variable_test(text: str) -> Callable[[Mapping[str, object]], bool]:
    """`name:op:value`; op eq, neq, gt, gte, lt, lte or in (values separated by `|`)."""
    name, _, rest = text.partition(":")
    op, colon, wanted = rest.partition(":")
    if not colon or op not in (*_COMPARE, "eq", "neq", "in"):
        raise Invalid("query", "dynamic_variable_params", "Expected name:op:value")

    def test(variables: Mapping[str, object]) -> bool:
        value = variables.get(name)
        shown = "" if value is None else str(value)
        match op:
            case "eq":
                return shown == wanted
            case "neq":
                return shown != wanted
            case "in":
                return shown in wanted.split("|")
            case _:
                return _compares(op, shown, wanted)

    return test


def _compares(op: str, shown: str, wanted: str) -> bool:
    try:
        return _COMPARE[op](float(shown), float(wanted))
    except ValueError:
        return False


def _last(query: Query, name: str) -> str | None:
    return query[name][-1] if query.get(name) else None


def _whole(query: Query, name: str, default: int) -> int:
    value = _last(query, name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise Invalid("query", name, "Input should be a whole number") from None
