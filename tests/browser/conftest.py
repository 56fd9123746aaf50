from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, chromium, opened
from tests.support.requirements import do_without


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    missing = "needs chromium and chromium-driver, from the distribution's packages"
    do_without("chromium", missing if chromium() is None else "")
    with opened() as browser:
        yield browser
