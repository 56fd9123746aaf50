"""Where a ledger is that a team shares."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator as After
from pydantic import Field, SecretStr

from callagent_cli.domain.errors import InputError

_FORM = "must be as postgresql+psycopg://user@host/database"


def database_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgresql+psycopg") or not parts.path.strip("/"):
        raise ValueError(_FORM)
    return url


def _without_password(url: str | None) -> str | None:
    if url is not None and urlsplit(database_of(url)).password:
        raise ValueError("holds a password: give the URL in CALLAGENT_DATABASE_URL instead")
    return url


def _secret_database(url: SecretStr) -> SecretStr:
    database_of(url.get_secret_value())
    return url


SecretDatabase = Annotated[SecretStr, After(_secret_database)]
DatabaseUrl = Annotated[
    str | None,
    After(_without_password),
    Field(description="null: SQLite in state_dir"),
]


def as_database(typed: str) -> str:
    """A URL that a person typed. Raises InputError."""
    try:
        return database_of(typed)
    except ValueError as error:
        raise InputError(f"--to {error}", hint="or `--to file`, back from a server") from None
