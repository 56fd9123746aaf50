import os
from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, chromium, opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """CALLAGENT_REQUIRE=chromium: a machine that should have it fails without."""
    if chromium() is None:
        missing = "needs chromium and chromium-driver, from the distribution's packages"
        if "chromium" in os.environ.get("CALLAGENT_REQUIRE", ""):
            pytest.fail(missing)
        pytest.skip(missing)
    with opened() as browser:
        yield browser
