"""Text from outside, made safe to print, to store and to hand on.

What is not printable is gone: control characters, line and paragraph separators, bidi controls,
zero-width characters, lone surrogates. White space of any kind becomes a plain space.
"""

_FORMULA_STARTS = tuple("=+-@\t\r\0＝＋－＠")


def clean(text: str, max_len: int) -> str:
    """Drop what could be misread, trim the ends, and cut to `max_len` characters."""
    return _printable(text).strip()[:max_len].rstrip()


def clean_lines(text: str, max_len: int = 20_000) -> str:
    """As `clean`, for text of several lines: its line breaks and indents stay."""
    lines = text[:max_len].replace("\r\n", "\n").split("\n")
    return "\n".join(_printable(line) for line in lines)


def one_line(text: str, max_chars: int = 300) -> str:
    """Replace what a terminal or a log could misread (control, bidi, line breaks) by spaces,
    and shorten to `max_chars` characters."""
    # isprintable is false for every control, format (bidi, zero-width) and separator character
    shown = "".join(c if c.isprintable() else " " for c in text[: max_chars * 4])
    line = " ".join(shown.split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


def formula_safe(cell: str) -> str:
    """A cell that no spreadsheet runs: one that looks like a formula begins with `'`."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def _printable(text: str) -> str:
    if text.isprintable():  # false for control, format, separator and unassigned characters
        return text
    return "".join(" " if c.isspace() else c for c in text if c.isprintable() or c.isspace())
