"""The receiver's example takes what we sign, and nothing else."""

import importlib.util
from pathlib import Path

import pytest

from callagent_cli.services.signature import SIGNATURE_HEADER, signature_of
from tests.support.hand_clock import HandClock

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "verify_webhook.py"
_SPEC = importlib.util.spec_from_file_location("verify_webhook", _EXAMPLE)
assert _SPEC is not None
assert _SPEC.loader is not None
verify_webhook = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(verify_webhook)

BODY, SECRET = b'{"id": "test"}', "s3cret"


def test_what_we_sign_is_taken() -> None:
    clock = HandClock()
    header = signature_of(BODY, SECRET, clock)[SIGNATURE_HEADER]
    assert verify_webhook.verify(BODY, header, SECRET, clock.now().timestamp() + 5)


@pytest.mark.parametrize(
    ("body", "secret", "late_s"),
    [(b"{}", SECRET, 0), (BODY, "other", 0), (BODY, SECRET, 301), (BODY, SECRET, -301)],
)
def test_what_somebody_else_made_or_repeats_late_is_not(
    body: bytes, secret: str, late_s: float
) -> None:
    clock = HandClock()
    header = signature_of(BODY, SECRET, clock)[SIGNATURE_HEADER]
    assert not verify_webhook.verify(body, header, secret, clock.now().timestamp() + late_s)


@pytest.mark.parametrize("header", ["", "t=,v1=", "v1=abc", "t=now,v1=abc", "nonsense"])
def test_a_header_that_makes_no_sense_is_not(header: str) -> None:
    assert not verify_webhook.verify(BODY, header, SECRET, 0)
