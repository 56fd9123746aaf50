"""What the account may still spend, as the vendor's answer says it."""

import pytest

from callagent_cli.services.elevenlabs_credits import Credits, read_credits

LIMIT = {"character_limit": 100, "character_count": 30, "status": "active"}


@pytest.mark.parametrize(
    ("body", "credits_left"),
    [
        (LIMIT, Credits(70)),
        ({**LIMIT, "character_count": 130}, Credits(0)),
        ({**LIMIT, "max_credit_limit_extension": 50}, Credits(120)),
        ({**LIMIT, "max_credit_limit_extension": "unlimited"}, Credits(None)),
        ({**LIMIT, "max_credit_limit_extension": True}, Credits(70)),
        ({**LIMIT, "status": "past_due"}, Credits(70, is_behind=True)),
        ({"status": "active"}, None),
        ({**LIMIT, "character_limit": "many"}, None),
    ],
)
def test_credits(body: dict[str, object], credits_left: Credits | None) -> None:
    assert read_credits(body) == credits_left
