"""An outage over a thousand contacts: one alert when it begins and one when it ends, a channel."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import EventName
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from tests.support.rehearsal import Played, play

CHANNELS = frozenset({"telegram", "webhook", "smtp"})
AREAS = (202, 212, 213, 303, 305, 312, 404, 415, 512, 602)
PEOPLE = [
    Contact(f"c{n}", f"+1{AREAS[n % 10]}555{n // 10:04d}", timezone="America/New_York")
    for n in range(1000)
]


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """ElevenLabs answers 503 from the tenth minute on, for half an hour."""
    folder, faults = (
        tmp_path_factory.mktemp("outage"),
        FaultPlan(parse_faults("elevenlabs@600-2400")),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings_text = "campaign: {max_outage_wait: 2h}\n"
        (folder / "config.yml").write_text(settings_text)
        played = play(folder, faults, PEOPLE, services=CHANNELS, seed=5, concurrency=10)
    with closing(played):
        yield played


def test_everybody_is_called_in_spite_of_it_and_no_attempt_rings_twice(outage: Played) -> None:
    assert outage.outside.world is not None
    rung = [dial for dial in outage.outside.world.dials if dial.was_placed]
    assert {dial.to_number for dial in rung} == {person.phone for person in PEOPLE}
    assert set(Counter(dial.attempt_id for dial in rung).values()) == {1}


@pytest.mark.parametrize("channel", ["email", "telegram", "webhook"])
def test_each_channel_is_told_once_that_it_begins_and_once_that_it_ends(
    channel: str, outage: Played
) -> None:
    sent = Counter(
        str(e.fields["kind"])
        for e in outage.events
        if e.name is EventName.ALERT_SENT and e.fields["channel"] == channel
    )
    assert (sent["incident_opened"], sent["incident_recovered"]) == (1, 1)
    assert sum(sent.values()) <= 10, sent  # failed calls are told together


def test_what_the_channels_saw_is_what_was_told(outage: Played) -> None:
    sandbox = outage.outside.sandbox
    assert sandbox is not None
    texts = {
        "telegram": [message.text for message in sandbox.telegram.messages],
        "webhook": [posting.body.decode() for posting in sandbox.webhook.postings],
        "email": [_text(mail.content) for mail in sandbox.mail().mails],
    }
    for channel, told in texts.items():
        assert sum("elevenlabs is down" in text for text in told) == 1, channel
        assert sum("elevenlabs is back" in text for text in told) == 1, channel
        assert not any(person.phone in text for text in told for person in PEOPLE)


def _text(content: bytes) -> str:
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())
