"""Contacts files of any size: each row another valid number, in the spellings people use."""

from pathlib import Path

_AREAS = (202, 212, 303, 305, 310, 404, 415, 602, 617, 713)
_SPELLINGS = ("+1{0}{1}{2}", "({0}) {1}-{2}", "{0}-{1}-{2}", "+1 {0} {1} {2}")


def write_contacts(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("id,name,phone,email,timezone,appointment\n")
        file.writelines(_row(n) for n in range(rows))
    return path


def _row(n: int) -> str:
    phone = number(n)
    return f"c-{n},Person {n},{phone},p{n}@example.com,America/New_York,Tuesday {n % 24}:30\n"


def number(n: int) -> str:
    line = n // len(_AREAS)
    exchange = 220 + line // 10_000
    spelling = _SPELLINGS[n % len(_SPELLINGS)]
    return spelling.format(_AREAS[n % len(_AREAS)], exchange, f"{line % 10_000:04d}")
