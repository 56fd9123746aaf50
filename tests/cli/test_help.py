"""`callagent help`, and the reference that is made from the code."""

import pytest

from callagent_cli.cli import help_commands
from callagent_cli.cli.reference import meanings
from callagent_cli.cli.reference.topics import TOPICS
from tests.support.command_line import Typed


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_shown(typed: Typed, topic: str) -> None:
    ended = typed("help", topic)
    assert (ended.status, ended.err) == (0, "")
    assert TOPICS[topic]().title in ended.out
    for table in TOPICS[topic]().tables:
        assert all(row[0].removeprefix(f"{table.title}.") in ended.out for row in table.rows)


def test_topics_are_known_by_name_before_anything_slow_is_imported() -> None:
    assert tuple(TOPICS) == help_commands.TOPICS


def test_help_alone_lists_the_topics(typed: Typed) -> None:
    assert all(f"callagent help {topic}" in typed("help").out for topic in TOPICS)


@pytest.mark.parametrize("words", ["run", "deliveries list", "config check"])
def test_a_command_is_a_topic_too(typed: Typed, words: str) -> None:
    assert f"callagent {words}" in typed("help", *words.split()).out


def test_a_misspelt_topic_names_the_nearest(typed: Typed) -> None:
    ended = typed("help", "exit-status")
    assert ended.status == 2
    assert "no help topic 'exit-status'" in ended.err
    assert "did you mean exit-statuses?" in ended.err


@pytest.mark.parametrize(
    "meaning",
    [value for name, value in vars(meanings).items() if name.isupper()],
    ids=lambda meaning: type(next(iter(meaning))).__name__,
)
def test_every_name_that_users_meet_is_explained(meaning: dict[object, str]) -> None:
    kind = type(next(iter(meaning)))
    assert set(meaning) == set(kind)  # type: ignore[call-overload]  # an enum
    assert all(said == said.strip() and said for said in meaning.values())


def test_every_setting_is_explained() -> None:
    rows = [row for table in TOPICS["config"]().tables for row in table.rows]
    assert [key for key, _, about in rows if not about] == []
