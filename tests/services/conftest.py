"""A dialler on a server of the test's own."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from callagent_cli.domain.call import Claim, Script, Ticket
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import Contact
from callagent_cli.services.elevenlabs import ElevenLabs
from callagent_cli.services.http_session import HttpSession, Timeouts

KEY = "canary-key-93b1c4"
NUMBER = "+12025550123"


@pytest.fixture
def dialer_at() -> Callable[[str], ElevenLabs]:
    """A dialler for a base URL, with half a second of patience in all."""

    def build(url: str) -> ElevenLabs:
        clock = SystemClock()
        limits = Timeouts(connect_s=0.4, read_s=0.4, total_s=0.8)
        session = HttpSession(
            "elevenlabs", url, headers={"xi-api-key": KEY}, timeouts=limits, clock=clock
        )
        return ElevenLabs(
            session,
            agent_id="agent_1",
            agent_phone_number_id="phnum_1",
            telephony="twilio",
            ringing_timeout_s=60,
            clock=clock,
        )

    return build


@pytest.fixture
def ticket() -> Ticket:
    contact = Contact(id="c1", phone=NUMBER, name="Ann")
    claim = Claim("ca_abcdefghijklmnopqrstuvwxyz", 1, "spring", contact, 0)
    return Ticket(claim, datetime(2026, 11, 23, 18, tzinfo=UTC))


@pytest.fixture
def script() -> Script:
    return Script(variables={"name": "Ann"})
