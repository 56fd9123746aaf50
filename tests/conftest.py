"""What more than one folder of tests needs: Ctrl-C, and a real database server."""

import signal
from collections.abc import Iterator

import pytest

from tests.support import postgres


def pytest_configure() -> None:
    """A job in the background of a script ignores INT, and so would what the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    postgres.require()
    with postgres.server() as started:
        yield started


@pytest.fixture
def database_url(server: postgres.Server) -> str:
    """Of a server that holds no ledger yet."""
    server.execute("DROP SCHEMA IF EXISTS callagent CASCADE")
    server.execute("DROP SCHEMA IF EXISTS callagent_sandbox CASCADE")
    return server.url
