"""Text from outside."""

from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.domain.text import clean, clean_lines

ANY_TEXT = st.text(alphabet=st.characters(), max_size=50)


def test_what_could_be_misread_is_gone() -> None:
    nasty = "a\x00\x07\x1b[31m\x7f\x9b\u200b\u200e\u202e\u2066\ufeff\u2028b\tc\r\nd\udc80"
    assert clean(nasty, 100) == "a[31m b c  d"


def test_ordinary_writing_stays() -> None:
    writing = "Zoë O’Neil, 名前, Ж, 👍, ﷽"
    assert clean(writing, 100) == writing


@given(ANY_TEXT, st.integers(0, 20))
def test_clean_text_is_printable_short_and_stays_as_it_is(text: str, max_len: int) -> None:
    cleaned = clean(text, max_len)
    assert cleaned.isprintable()
    assert len(cleaned) <= max_len
    assert clean(cleaned, max_len) == cleaned


@given(ANY_TEXT)
def test_lines_stay_and_nothing_else_unprintable_does(text: str) -> None:
    lines = clean_lines(text).split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == text.replace("\r\n", "\n").count("\n") + 1
