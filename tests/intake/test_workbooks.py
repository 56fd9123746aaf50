"""Workbooks as people have them, written by openpyxl."""

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.contacts import ContactsFile, read_contacts

ADA = "+12025550101"
HEADER = ("phone", "name", "note")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.xlsx"


def sheet_of(book: Workbook, *rows: tuple[object, ...], title: str = "Contacts") -> Worksheet:
    sheet = book.active if book.active and book.active.title == "Sheet" else book.create_sheet()
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return sheet


def save(path: Path, *rows: tuple[object, ...]) -> Path:
    book = Workbook()
    sheet_of(book, *rows)
    book.save(path)
    return path


def opened(path: Path, **options: str) -> ContactsFile:
    return read_contacts(path, default_region="US", **options)  # type: ignore[arg-type]


def contacts_of(path: Path, **options: str) -> list[Contact]:
    rows = list(opened(path, **options))
    assert all(isinstance(row, Contact) for row in rows), rows
    return [row for row in rows if isinstance(row, Contact)]


def refusal(path: Path, **options: str) -> InputError:
    with pytest.raises(InputError) as caught:
        list(opened(path, **options))
    return caught.value


def rejected(path: Path) -> list[RejectedRow]:
    return [row for row in opened(path) if isinstance(row, RejectedRow)]


@pytest.mark.parametrize(
    "number", ["(202) 555-0101", 12025550101, 12025550101.0, 2025550101, 1.2025550101e10]
)
def test_a_number_is_its_digits_however_the_cell_keeps_it(path: Path, number: object) -> None:
    (ada,) = contacts_of(save(path, HEADER, (number, "Ada", None)))
    assert (ada.phone, ada.name, ada.line) == (ADA, "Ada", 2)


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (date(2026, 11, 24), "DD/MM/YYYY", "2026-11-24"),
        (datetime(2026, 11, 24, 15, 30), "DD/MM/YYYY HH:MM", "2026-11-24 15:30"),  # noqa: DTZ001
        (time(9, 5), "HH:MM", "09:05"),
        (timedelta(hours=26, minutes=30), "[h]:mm", "26:30"),
        (0.15, "0%", "15%"),
        (0.1234, "0.0%", "12.3%"),
        (2134, "00000", "02134"),
        (442079460123, '"+"0', "+442079460123"),
        (442079460123, "\\+0", "+442079460123"),
        (442079460123, "+0 000", "+442079460123"),
        (12025550101, "[<=9999999]###-####;(###) ###-####", "12025550101"),
        (1234567, "#,##0", "1234567"),
        (12.5, "0.00", "12.50"),
        (-0.5, "0.0%;[Red]-0.0%", "-50.0%"),
        (12.5, "General", "12.5"),
        (0.1 + 0.2, "General", "0.3"),
        (7.0, "General", "7"),
        (True, "General", "TRUE"),
        ("  text\nof two ", "General", "text of two"),
        ("0042", "@", "0042"),
    ],
)
def test_a_cell_says_what_it_shows(
    path: Path, value: object, number_format: str, shown: str
) -> None:
    book = Workbook()
    sheet = sheet_of(book, HEADER, (ADA, "Ada", None))
    cell = sheet["C2"]
    cell.value, cell.number_format = value, number_format
    book.save(path)
    (ada,) = contacts_of(path)
    assert ada.variables == {"note": shown}


def _with_formula(path: Path, stored: str) -> Path:
    """As a spreadsheet program leaves it: the formula, and `stored` for its result."""
    save(path, HEADER, ("=A9", "Ada", None), ("+12025550102", "Bob", None))
    return _edited(path, "xl/worksheets/sheet1.xml", r"<f>A9</f><v ?/?>(</v>)?", stored)


def _edited(path: Path, member: str, pattern: str, to: str) -> Path:
    with zipfile.ZipFile(path) as book:
        held = {name: book.read(name) for name in book.namelist()}
    text, n = re.subn(pattern, to, held[member].decode())
    assert n, text[:500]
    held[member] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in held.items():
            book.writestr(name, data)
    return path


def test_a_formula_counts_for_its_stored_result(path: Path) -> None:
    _with_formula(path, "<f>A9</f><v>12025550101</v>")
    assert [contact.phone for contact in contacts_of(path)] == [ADA, "+12025550102"]


def test_a_formula_that_was_never_worked_out_is_told(path: Path) -> None:
    (row,) = rejected(_with_formula(path, "<f>A9</f>"))
    assert (row.line, row.reason) == (2, "cell A2 holds a formula whose result is not in the file")
    assert "save it" in row.fix


def test_a_cell_that_shows_an_error_is_told(path: Path) -> None:
    (row,) = rejected(save(path, HEADER, (ADA, "Ada", "#N/A")))
    assert row.reason == "cell C2 shows #N/A"


def test_a_hidden_row_is_told_and_not_called(path: Path) -> None:
    book = Workbook()
    sheet = sheet_of(book, HEADER, (ADA, "Ada", ""), ("+12025550102", "Bob", ""))
    sheet.row_dimensions[3].hidden = True
    sheet.row_dimensions[4].hidden = True  # empty: nobody misses it
    book.save(path)
    file = opened(path)
    ada, hidden = file
    assert isinstance(ada, Contact)
    assert isinstance(hidden, RejectedRow)
    assert (hidden.line, hidden.reason) == (3, "the row is hidden in the sheet")


def test_a_title_merged_above_the_header_is_passed_over(path: Path) -> None:
    book = Workbook()
    sheet = sheet_of(book, ("Spring campaign", None, None), (), HEADER, (ADA, "Ada", "x"))
    sheet.merge_cells("A1:C1")
    book.save(path)
    (ada,) = contacts_of(path)
    assert (ada.name, ada.line) == ("Ada", 4)


def test_merged_phone_cells_belong_to_their_first_row(path: Path) -> None:
    book = Workbook()
    sheet = sheet_of(book, HEADER, (ADA, "Ada", ""), (None, "Bob", ""))
    sheet.merge_cells("A2:A3")
    book.save(path)
    (row,) = rejected(path)
    assert (row.line, row.column, row.reason) == (3, "phone (column A)", "no phone number")


def test_rows_and_columns_are_told_as_the_sheet_has_them(path: Path) -> None:
    rows = [(None, "Name", "Phone")] + [(None, f"n{n}", f"202555{n:04d}") for n in (101, 102)]
    save(path, *rows, (None, "Eve", 42), (None, "Twin", 2025550101))
    short, twin = rejected(path)
    assert (short.line, short.column, short.value) == (4, "Phone (column C)", "**")
    assert (twin.line, twin.reason) == (5, "duplicate of row 2")


def test_the_first_sheet_with_a_phone_column_is_taken(path: Path) -> None:
    book = Workbook()
    sheet_of(book, ("How to fill this in",), ("Write numbers with +",), title="Read me")
    sheet_of(book, HEADER, (ADA, "Old", ""), title="Old").sheet_state = "hidden"
    sheet_of(book, ("Year", "Sum"), (2026, 3), title="Totals")
    sheet_of(book, HEADER, (ADA, "Ada", ""), title="Kunden")
    book.save(path)
    file = opened(path)
    assert [row.name for row in file if isinstance(row, Contact)] == ["Ada"]
    assert file.table.form.sheet == "Kunden"
    assert [contact.name for contact in contacts_of(path, worksheet="old ")] == ["Old"]


def test_a_sheet_that_is_not_there_suggests_the_nearest(path: Path) -> None:
    error = refusal(save(path, HEADER, (ADA, "", "")), worksheet="Contcts")
    assert "no sheet 'Contcts'; it has: Contacts" in error.message
    assert error.hint == "did you mean 'Contacts'?"


def test_no_sheet_with_a_phone_column_names_them_all(path: Path) -> None:
    book = Workbook()
    sheet_of(book, ("a",), ("b",), title="One")
    sheet_of(book, ("c",), ("d",), title="Two")
    book.save(path)
    error = refusal(path)
    assert "no sheet has a phone column; it has the sheets One, Two" in error.message
    assert "campaign.worksheet" in error.hint


def test_a_single_sheet_without_a_phone_column_says_what_it_has(path: Path) -> None:
    error = refusal(save(path, ("name", "phnoe"), ("Ada", ADA)))
    assert "people.xlsx, sheet Contacts row 1: no phone column" in error.message
    assert "campaign.columns: {phone: phnoe}" in error.hint


def test_two_columns_of_one_name_are_told_by_their_letters(path: Path) -> None:
    error = refusal(save(path, (None, "phone", "Name", "name"), (None, ADA, "a", "b")))
    assert "'Name' and 'name' (columns C and D)" in error.message


def test_only_empty_rows(path: Path) -> None:
    assert "has nothing but empty rows" in refusal(save(path, (None, None), ("", " "))).message


def test_dates_counted_from_1904_are_the_same_days(path: Path) -> None:
    book = Workbook()
    book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - as openpyxl has it
    sheet_of(book, HEADER, (ADA, "Ada", date(2026, 11, 24)))
    book.save(path)
    assert contacts_of(path)[0].variables["note"] == "2026-11-24"


def test_a_lone_cell_far_below_costs_nothing(path: Path) -> None:
    book = Workbook()
    sheet = sheet_of(book, HEADER, (ADA, "Ada", ""))
    sheet["A1048576"] = "+12025550102"
    book.save(path)
    assert [contact.line for contact in contacts_of(path)] == [2, 1048576]


def _as_excel(path: Path) -> Path:
    """Texts in a table of their own, as Excel keeps them, the second time as rich text."""
    with zipfile.ZipFile(path) as book:
        held = {name: book.read(name).decode() for name in book.namelist()}
    texts: list[str] = []

    def shared(found: re.Match[str]) -> str:
        texts.append(found[2])
        return f'{found[1]} t="s"><v>{len(texts) - 1}</v></c>'

    name = "xl/worksheets/sheet1.xml"
    inline = r'(<c r="\w+"(?: s="\d+")?) t="inlineStr"><is><t>(.*?)</t></is></c>'
    held[name] = re.sub(inline, shared, held[name])
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    items = [f"<si><r><t>{text[:1]}</t></r><r><t>{text[1:]}</t></r></si>" for text in texts]
    held["xl/sharedStrings.xml"] = f'<sst {main} count="{len(texts)}">{"".join(items)}</sst>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    held["[Content_Types].xml"] = held["[Content_Types].xml"].replace("</Types>", part)
    with zipfile.ZipFile(path, "w") as book:
        for member, text in held.items():
            book.writestr(member, text)
    return path


def test_texts_are_found_where_excel_keeps_them(path: Path) -> None:
    _as_excel(save(path, HEADER, ("202 555 0101", "Ada", "hi there"), (2025550102, "Bob", "x")))
    ada, bob = contacts_of(path)
    assert (ada.phone, ada.name, ada.variables) == (ADA, "Ada", {"note": "hi there"})
    assert (bob.phone, bob.name) == ("+12025550102", "Bob")


def test_a_workbook_is_known_by_its_content(tmp_path: Path) -> None:
    path = save(tmp_path / "x.xlsx", HEADER, (ADA, "Ada", ""))
    assert len(contacts_of(path.rename(tmp_path / "people.csv"))) == 1


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_xml_that_declares_entities_is_refused(path: Path, member: str) -> None:
    save(path, HEADER, (ADA, "Ada", ""))
    error = refusal(_edited(path, member, "(<(workbook|worksheet) )", BOMB + r"\1"))
    assert "it declares XML entities" in error.message


@pytest.mark.parametrize(
    ("member", "mb"), [("xl/sharedStrings.xml", 101), ("xl/worksheets/sheet1.xml", 1025)]
)
def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    path: Path, member: str, mb: int
) -> None:
    save(path, HEADER, (ADA, "Ada", ""))
    with zipfile.ZipFile(path) as book:
        held = {name: book.read(name) for name in book.namelist() if name != member}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, data in held.items():
            book.writestr(name, data)
        with book.open(member, "w", force_zip64=True) as file:
            for _ in range(mb):
                file.write(b" " * (1 << 20))
    error = refusal(path)
    assert "is too large for a workbook" in error.message
    assert "save the sheet as CSV" in error.hint


def _foreign(tmp_path: Path, content: bytes) -> InputError:
    (tmp_path / "people.xlsx").write_bytes(content)
    return refusal(tmp_path / "people.xlsx")


def _zipped(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return held.getvalue()


def test_an_encrypted_workbook_says_how_to_open_it(tmp_path: Path) -> None:
    shell = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1 << 20)
    error = _foreign(tmp_path, shell + "EncryptedPackage".encode("utf-16-le"))
    assert "is protected by a password" in error.message
    assert "take the password off" in error.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old workbook (.xls)"),
        (
            _zipped(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
            "is an OpenDocument file (.ods)",
        ),
        (_zipped(notes=b"hello"), "cannot be read as a workbook (it is not built as one)"),
        (_zipped(notes=b"hello")[:40], "cannot be read as a workbook (it is damaged or cut off)"),
    ],
    ids=["xls", "ods", "other", "cut"],  # a zip holds the time of its making
)
def test_what_is_no_such_workbook_is_named_with_the_way_out(
    tmp_path: Path, content: bytes, message: str
) -> None:
    error = _foreign(tmp_path, content)
    assert message in error.message
    assert "CSV" in error.hint


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "people.xlsx"
    return save(path, HEADER, *((ADA, f"n{n}", n) for n in range(20))).read_bytes()


@given(at=st.floats(0, 1), piece=st.binary(max_size=6), cut=st.integers(0, 200))
def test_damage_anywhere_is_an_input_error_and_nothing_else(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, at: float, piece: bytes, cut: int
) -> None:
    where = int(at * len(whole))
    path = tmp_path_factory.getbasetemp() / "damaged.xlsx"
    path.write_bytes(whole[:where] + piece + whole[where + cut :])
    try:
        list(opened(path))
    except InputError as error:
        assert error.hint


PARTS = st.sampled_from(["<c", "<v>", "</v>", 't="s"', 'r="', "<row", "1", "count=", "<si>", "/"])


@given(part=PARTS, by=st.sampled_from(["", "<x>", "-1", "9" * 12, 't="d"', 'r="ZZZ1', "\x01"]))
def test_a_sheet_that_is_built_wrong_is_an_input_error_and_nothing_else(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, part: str, by: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "wrong.xlsx"
    for member in ("xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"):
        path.write_bytes(whole)
        with zipfile.ZipFile(path) as book:
            text = book.read(member).decode()
        if part not in text:
            continue
        _edited(path, member, re.escape(part), by.replace("\\", r"\\"))
        try:
            list(opened(path))
        except InputError as error:
            assert error.hint


def test_a_workbook_replaced_after_it_was_looked_at_is_read_as_it_was(path: Path) -> None:
    file = opened(save(path, HEADER, (ADA, "Ada", "")))
    save(path, HEADER, ("+12025550199", "Eve", ""))
    assert [row.phone for row in file if isinstance(row, Contact)] == [ADA]


def test_nothing_is_left_in_the_temporary_folder(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    file = opened(save(path, HEADER, (ADA, "Ada", "")))
    assert len(list(file)) == 1
    assert list(folder.iterdir()) == []


def test_no_room_for_a_copy_is_told(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(path, HEADER, (ADA, "Ada", ""))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    error = refusal(path)
    assert "cannot be kept in" in error.message
    assert "TMPDIR" in error.hint
