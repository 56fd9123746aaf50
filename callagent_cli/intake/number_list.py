"""A list of phone numbers: one a line, or a CSV with a phone column.

Called by: `callagent dnc import`. Constant memory; the file is read as often as it is iterated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from callagent_cli.domain.contact import Contact, DuplicateRow, RejectedRow
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.contacts import read_contacts
from callagent_cli.intake.phone import BadPhone, read_phone
from callagent_cli.intake.rejects import shown

_PLAIN = re.compile(r"[\d\s+().,;/\t-]{7,40}")
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class NumberFile:
    path: Path
    region: str
    is_plain: bool

    def __iter__(self) -> Iterator[str | RejectedRow]:
        """Numbers in E.164, and lines that hold none."""
        return _plain(self.path, self.region) if self.is_plain else _table(self.path, self.region)

    def digest(self) -> str:
        """SHA-256 of the file."""
        hashed = sha256()
        with self.path.open("rb") as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
        return hashed.hexdigest()


def read_numbers(path: Path, region: str) -> NumberFile:
    """region: of numbers without a country code. Raises InputError for what cannot be read."""
    try:
        first = next(_lines(path), "")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise InputError(
            f"{path} cannot be read: {why}", hint="a number a line, or a CSV"
        ) from None
    return NumberFile(path, region, is_plain=bool(_PLAIN.fullmatch(first)))


def _lines(path: Path) -> Iterator[str]:
    """Without empty ones and comments."""
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if (text := line.strip()) and not text.startswith("#"):
                yield text


def _plain(path: Path, region: str) -> Iterator[str | RejectedRow]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line_no, line in enumerate(file, 1):
            text = line.strip()[:_LONGEST_LINE]
            if not text or text.startswith("#"):
                continue
            # some authorities write the area code in a column of its own
            number = read_phone(re.sub(r"[,;\t]", " ", text), region)
            if isinstance(number, BadPhone):
                yield RejectedRow(line_no, "", shown(text), number.reason, number.fix)
            else:
                yield number


def _table(path: Path, region: str) -> Iterator[str | RejectedRow]:
    for row in read_contacts(path, default_region=region):
        match row:
            case Contact(phone=phone):
                yield phone
            case DuplicateRow():
                continue
            case RejectedRow():
                yield row
