"""What more than one folder of tests needs: a real database server, for those who ask for it."""

from collections.abc import Iterator

import pytest

from tests.support import postgres


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
