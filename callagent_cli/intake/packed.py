"""A gzip file, unpacked once into a spool, and only so far."""

import gzip
import zlib
from collections.abc import Iterator

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.spool import Spool
from callagent_cli.intake.stored import Stored

MAGIC = b"\x1f\x8b"
MOST_BYTES = 1 << 30  # unpacked
_CHUNK_BYTES = 1 << 18


def unpacked(stored: Stored, *, most_bytes: int = MOST_BYTES) -> Spool:
    """Raises InputError: cut off, damaged, or more than `most_bytes` of it."""
    return Spool.of(stored.name, _pieces(stored, most_bytes))


def _pieces(stored: Stored, most_bytes: int) -> Iterator[bytes]:
    left = most_bytes
    with stored.open() as file, gzip.GzipFile(fileobj=file, mode="rb") as packed:
        while piece := _next(packed, stored.name):
            left -= len(piece)
            if left < 0:
                raise InputError(
                    f"{stored.name} unpacks to more than {most_bytes >> 20:,} MB",
                    hint="unpack it yourself and look at it, or split the list",
                )
            yield piece
        stored.check_unchanged(file)


def _next(packed: gzip.GzipFile, name: str) -> bytes:
    try:
        return packed.read(_CHUNK_BYTES)
    except EOFError:
        raise InputError(
            f"{name} ends in the middle: the gzip file was cut off",
            hint="copy or download it again",
        ) from None
    except (OSError, zlib.error):
        raise InputError(
            f"{name} is damaged: it is not gzip to its end", hint="make or download it again"
        ) from None
