"""Text from outside, made safe to print."""


def one_line(text: str, max_chars: int = 300) -> str:
    """Replace what a terminal or a log could misread (control, bidi, line breaks) by spaces,
    and shorten to `max_chars` characters."""
    # isprintable is false for every control, format (bidi, zero-width) and separator character
    shown = "".join(c if c.isprintable() else " " for c in text[: max_chars * 4])
    line = " ".join(shown.split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"
