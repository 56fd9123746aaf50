"""What some tests need and not every machine has.

CALLAGENT_REQUIRE names what a machine should have (`.ci/run` does): there a test fails for the
want of it, elsewhere it is skipped, and says why.
"""

import os

import pytest


def is_required(what: str) -> bool:
    return what in os.environ.get("CALLAGENT_REQUIRE", "").split()


def do_without(what: str, why: str) -> None:
    """Skip the test that asks, or fail it. why: empty where nothing is missing."""
    if why and is_required(what):
        pytest.fail(why)
    if why:
        pytest.skip(why)
