"""Contacts files written on the spot."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a contacts file; text as UTF-8."""

    def write_file(content: str | bytes) -> Path:
        path = tmp_path / "contacts.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
