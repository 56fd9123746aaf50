"""Figures into a page: a marked block is replaced, the prose around it is left alone."""

import platform
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of the proof found: a table and a sentence, and whether all was well."""

    name: str
    text: str
    is_kept: bool


def stamp(section: Section, *, seed: int, seconds: float) -> Section:
    """Add when, from which seed and on what the figures were made."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    where = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Linux"
    line = f"{when}, seed {seed}, {seconds / 60:.1f} min, {where}."
    return Section(section.name, f"{section.text}\n\n{line}", section.is_kept)


def write(page: Path, sections: list[Section]) -> None:
    """Replace the blocks of these sections. Raises ValueError when the page has no such block."""
    text = page.read_text(encoding="utf-8")
    for section in sections:
        begin, end = f"<!-- figures: {section.name} -->", "<!-- end of figures -->"
        block = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        fresh = f"{begin}\n{section.text}\n{end}"
        text, count = block.subn(lambda _: fresh, text)  # noqa: B023 - used at once
        if count != 1:
            raise ValueError(f"{page} has {count} blocks for {section.name}")
    page.write_text(text, encoding="utf-8")
