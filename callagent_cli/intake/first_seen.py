"""Which of a million rows had this number first: some 24 bytes a row."""

from array import array
from hashlib import blake2b

_SCATTER = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: spreads neighbouring numbers


class FirstSeen:
    """Remembers the first line of each key. Keys are positive and below 2**64."""

    def __init__(self) -> None:
        self._size = 0
        self._make_room(1024)

    def line_of(self, key: int) -> int | None:
        """The line that had `key` first; None when no line has."""
        slot = self._slot(key)
        return self._lines[slot] if self._keys[slot] else None

    def add(self, key: int, line: int) -> None:
        """Remember a key that is not yet known."""
        slot = self._slot(key)
        self._keys[slot], self._lines[slot] = key, line
        self._size += 1
        if self._size * 3 > len(self._keys) * 2:
            self._grow()
        return

    def _slot(self, key: int) -> int:
        """The key's slot, or the free one where it belongs."""
        keys, mask = self._keys, self._mask
        slot = (key * _SCATTER >> 32) & mask
        while keys[slot] not in (0, key):
            slot = (slot + 1) & mask
        return slot

    def _make_room(self, slots: int) -> None:
        self._mask = slots - 1
        self._keys = array("Q", bytes(8 * slots))
        self._lines = array("I", bytes(4 * slots))

    def _grow(self) -> None:
        keys, lines = self._keys, self._lines
        self._make_room(len(keys) * 2)
        for key, line in zip(keys, lines, strict=True):
            if key:
                slot = self._slot(key)
                self._keys[slot], self._lines[slot] = key, line


def key_of(text: str) -> int:
    """A key for any text: 64 bits; two of a million texts share one in one of 10**7 files."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") or 1
