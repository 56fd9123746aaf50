"""A cell of the contacts file becomes an E.164 number, or a reason why not.

Called by: intake.contacts. Invariant: what is returned is valid by phonenumbers' plan of its
region; nothing is guessed, completed or cut off to make it so.
"""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from callagent_cli.domain.text import clean

_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE][+-]?\d+")
_DECIMAL = re.compile(r"(\+?\d{7,})[.,]0+")  # a number that a spreadsheet took for a quantity
_EXTENSION = re.compile(
    r"(?i)(?:;?\s*ext(?:ension|n)?[.:=\s]*|\s*x[.:\s]*|\s*#\s*|[;,]+\s*)(\d{1,7})\W*$"
)
_SPELLING = re.compile(r"[+＋]?[\d\s()（）\[\]./\-‐‑‒–—―−－~]*")
_LETTERS = re.compile(r"[^\W\d_]")
_SECOND_NUMBER = re.compile(r"/\s*\d{1,3}\s*$")
_AS_TEXT = "format the column as text and export again"
_WITH_CODE = "write it as + and country code, such as +1 202 555 0123"


_LONGEST_E164 = 16  # the plus and 15 digits; source: ITU-T E.164


@dataclass(frozen=True, slots=True)
class BadPhone:
    reason: str  # names what was found without repeating the number
    fix: str


def is_region(region: str) -> bool:
    return region in phonenumbers.SUPPORTED_REGIONS


def read_phone(cell: str, region: str) -> str | BadPhone:
    """Read any usual spelling. region: ISO 3166 code for numbers without a country code."""
    text = _bare(cell)
    refused = _refuse_spelling(text)
    if refused is not None:
        return refused
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        return _unparsed(error, text, region)
    if not phonenumbers.is_valid_number(number):
        foreign = _with_double_zero(text)
        if foreign is None:
            return _invalid(number, text, region)
        number = foreign
    written = str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    if len(written) > _LONGEST_E164:  # some countries' plans have longer ones
        return BadPhone(f"{_counted(text)} are too many for a number", _too_long_fix(region))
    return written


def _bare(cell: str) -> str:
    """Take off what spreadsheets and links put around a number."""
    text = clean(cell, 200)
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    text = text.removeprefix("'").strip()
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
    decimal = _DECIMAL.fullmatch(text)
    return decimal[1] if decimal else text


def _refuse_spelling(text: str) -> BadPhone | None:
    if not text:
        return BadPhone("no phone number", "fill in the cell or delete the row")
    if _SPELLING.fullmatch(text) and not _SECOND_NUMBER.search(text):
        return None
    if _SCIENTIFIC.fullmatch(text):
        return BadPhone("a spreadsheet wrote the number in scientific notation", _AS_TEXT)
    if _EXTENSION.search(text) and _SPELLING.match(text):
        return BadPhone(
            "the number has an extension, which cannot be dialled",
            "give a direct number, without extension",
        )
    if _LETTERS.search(text):
        return BadPhone("letters in the phone number", "write the number in digits")
    if _digits(text) > 15 or _SECOND_NUMBER.search(text):
        return BadPhone("more than one number in the cell", "give each number its own row")
    return BadPhone("characters that no phone number has", _WITH_CODE)


def _unparsed(error: NumberParseException, text: str, region: str) -> BadPhone:
    found = _counted(text)
    match error.error_type:
        case NumberParseException.INVALID_COUNTRY_CODE:
            return BadPhone("a country code that does not exist", _WITH_CODE)
        case NumberParseException.TOO_LONG:
            return BadPhone(f"{found} are too many for a phone number", _too_long_fix(region))
        case NumberParseException.NOT_A_NUMBER:
            return BadPhone(f"not a phone number ({found})", _WITH_CODE)
        case _:
            return BadPhone(f"{found} are too few for a phone number", "add the area code")


def _invalid(number: PhoneNumber, text: str, region: str) -> BadPhone:
    found, where = _counted(text), _place_of(number, region)
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return BadPhone(f"{found} are too few for {where}", "add the area code")
        case ValidationResult.TOO_LONG | ValidationResult.INVALID_LENGTH:
            return BadPhone(f"{found} do not fit {where}", _too_long_fix(region))
        case _:
            return BadPhone(
                f"not {where} in use: check its area code and the digits after it",
                f"correct the number; {_foreign_fix(region)}",
            )


def _with_double_zero(text: str) -> PhoneNumber | None:
    """A number written with 00 for +, where 00 leads nowhere else."""
    digits = re.sub(r"\D", "", text)
    if "+" in text or not digits.startswith("00"):
        return None
    try:
        number = phonenumbers.parse(f"+{digits[2:]}")
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _digits(text: str) -> int:
    return sum(c.isdecimal() for c in text)


def _counted(text: str) -> str:
    n = _digits(text)
    return f"{n} digit{'' if n == 1 else 's'}"


def _place_of(number: PhoneNumber, region: str) -> str:
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    return f"a {region if region in regions else f'+{number.country_code}'} number"


def _too_long_fix(region: str) -> str:
    return f"one number a cell; {_foreign_fix(region)}"


def _foreign_fix(region: str) -> str:
    return f"a number outside {region} needs + and its country code"
