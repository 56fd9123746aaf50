"""`docs/mission.md` names tests: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", (ROOT / "docs/mission.md").read_text())


def test_every_row_names_a_test() -> None:
    rows = [
        line
        for line in (ROOT / "docs/mission.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| promise of")
    ]
    assert len(rows) == len(NAMED) > 20


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name or path for path, name in NAMED])
def test_the_test_is_there(path: str, name: str) -> None:
    source = (ROOT / path).read_text()
    assert not name or f"def {name}(" in source
