"""The compact memory of what was seen, against a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.intake.first_seen import FirstSeen, key_of


def test_it_remembers_as_a_dictionary_does_while_it_grows() -> None:
    seen = FirstSeen()
    model: dict[int, int] = {}
    for line in range(1, 6_000):
        key = 12_025_550_000 + line * 7919 % 4_001
        assert seen.line_of(key) == model.get(key)
        if key not in model:
            model[key] = line
            seen.add(key, line)
    assert all(seen.line_of(key) == line for key, line in model.items())


@given(st.lists(st.integers(1, 2**64 - 1) | st.sampled_from([1, 2**32, 2**64 - 1])))
def test_keys_of_any_size_are_told_apart(keys: list[int]) -> None:
    seen = FirstSeen()
    model: dict[int, int] = {}
    for line, key in enumerate(keys, start=1):
        assert seen.line_of(key) == model.get(key)
        if key not in model:
            model[key] = line
            seen.add(key, line)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_key_is_never_the_empty_one(text: str) -> None:
    assert 0 < key_of(text) < 2**64
