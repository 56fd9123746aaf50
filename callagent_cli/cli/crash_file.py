"""The details of a bug, kept where only its user reads them: no values of variables, no secret,
no phone number."""

import os
import re
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from callagent_cli.domain.contact import mask_phones

_SECRET_NAME = re.compile(r"KEY|TOKEN|PASS|SECRET|WEBHOOK|_URL|_USER", re.IGNORECASE)
_MIN_SECRET = 6
_DIGITS = re.compile(r"\d{7,}")


def keep(error: BaseException) -> str:
    """Write the traceback; returns the file's path, or why there is none."""
    text = "".join(traceback.format_exception(error))
    for name, value in _secrets():
        text = text.replace(value, f"[{name}]")
    text = _DIGITS.sub("[number]", mask_phones(text))
    try:
        handle, path = tempfile.mkstemp(prefix="callagent-crash-", suffix=".txt")  # 0600
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as failure:
        return f"no file: {failure.strerror}"
    return path


def _secrets() -> Iterator[tuple[str, str]]:
    """Names and values, the longest first, from the environment and from .env files."""
    found = dict(_lines_of_dotenv()) | dict(os.environ)
    secret = [
        (name, value)
        for name, value in found.items()
        if _SECRET_NAME.search(name) and len(value) >= _MIN_SECRET
    ]
    yield from sorted(secret, key=lambda pair: -len(pair[1]))


def _lines_of_dotenv() -> Iterator[tuple[str, str]]:
    folders = {Path.cwd(), Path(os.environ.get("CALLAGENT_CONFIG", ".")).parent}
    for folder in folders:
        try:
            lines = (folder / ".env").read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            name, equals, value = line.removeprefix("export ").partition("=")
            if equals:
                yield name.strip(), value.strip().strip("'\"")
