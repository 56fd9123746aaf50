"""The benchmarks' one command works; its figures are for a quiet machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import Figure, Target, paired, table, write_into
from tests.support import postgres

ROOT = Path(__file__).parents[1]


def test_the_command_measures_every_part_and_writes_its_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n<!-- figures -->\nold\n<!-- end -->\n\nText.\n")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--write", str(page)]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=110,
    )
    shown = done.stdout.partition("\n\n")[2]
    parts = ("`--help`", "`status`", "CPU of the engine a contact", "share of the ideal rate")
    for part in (*parts, "intake"):
        assert part in shown
    assert shown in page.read_text()
    assert page.read_text().startswith("# Title\n")
    assert page.read_text().endswith("Text.\n")
    assert "old" not in page.read_text()


def test_a_target_that_is_missed_says_by_how_much() -> None:
    assert Target("≤ 2", 2.0, 2.0).verdict() == "kept"
    assert Target("≤ 2", 2.5, 2.0).verdict() == "missed by 25%"
    assert Target("≥ 90%", 0.9, 0.9, is_floor=True).verdict() == "kept"
    assert Target("≥ 90%", 0.81, 0.9, is_floor=True).verdict() == "missed by 10%"


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    assert paired([2.0, 20.0, 3.0], [1.0, 10.0, 3.0]) == 2.0


def test_the_table_has_a_line_for_each_figure() -> None:
    lines = table([Figure("a", "1 ms"), Figure("b", "2 ms", "1 ms", "2.00")]).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1


def test_a_page_without_its_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    with pytest.raises(ValueError, match="0 blocks"):
        write_into(page, "text\n")
    assert page.read_text() == "no marks\n"


def test_the_fleets_command_measures_every_part(tmp_path: Path) -> None:
    postgres.require()
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n<!-- figures: fleet -->\nold\n<!-- end -->\n\nText.\n")
    command = [sys.executable, "-m", "benchmarks.fleet", "--quick", "--write", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for part in (
        "contacts a second",
        "from due to dial",
        "an idle worker",
        "`status`",
        "turn taken",
    ):
        assert part in page.read_text()
    assert "old" not in page.read_text()
