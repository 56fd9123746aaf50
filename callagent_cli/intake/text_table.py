"""A delimited text as a table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.delimited import HEAD_CHARS, UnclosedQuote, find_delimiter, read_rows
from callagent_cli.intake.rejects import shown
from callagent_cli.intake.stored import Stored
from callagent_cli.intake.table import BrokenRow, Form, Row
from callagent_cli.intake.text_file import TextFile, look_at


@dataclass(frozen=True, slots=True)
class TextTable:
    """A Table."""

    text: TextFile
    delimiter: str
    unit = "line"
    titles = 0

    @property
    def name(self) -> str:
        return self.text.stored.name

    @property
    def form(self) -> Form:
        return Form("CSV", self.text.encoding, self.delimiter)

    def rows(self) -> Iterator[Row | BrokenRow]:
        with self.text.open() as stream:
            try:
                yield from read_rows(stream, self.delimiter)
            except UnclosedQuote as error:
                raise InputError(
                    f"{self.name} line {error.line}: a quote is opened and not closed",
                    hint='close it; quotes inside a quoted cell are written twice: "5"" pipe"',
                ) from error

    def place(self, at: int) -> str:
        return str(at + 1)

    def column(self, at: int, spelled: str) -> str:
        del at
        return spelled


def text_table(
    stored: Stored,
    *,
    encoding: str | None,
    delimiter: str | None,
    is_known: Callable[[str], bool],
) -> TextTable:
    """encoding, delimiter: found by looking when None. is_known: whether a cell is the name of a
    column that we need. Raises InputError for what is no such text."""
    text = look_at(stored, encoding)
    return TextTable(text, _known(delimiter) if delimiter else _find(text, is_known))


def _known(given: str) -> str:
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(
            f"campaign.csv.delimiter: {shown(given, 20)!r} cannot separate cells",
            hint='one character, such as "," or ";", or tab',
        )
    return delimiter


def _find(text: TextFile, is_known: Callable[[str], bool]) -> str:
    with text.open() as stream:
        return find_delimiter(stream.read(HEAD_CHARS), is_known)
