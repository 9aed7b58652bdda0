"""The raw flash of a store: of a board, or of a file that holds a board's flash."""

from __future__ import annotations

import os
from pathlib import Path

from host_sdk.errors import FlashError, InputError, ProtocolError
from host_sdk.link.session import Session, pieces
from host_sdk.link.values import Value
from host_sdk.store.log_reader import FLASH_BYTES_MAX, check_geometry
from host_sdk.store.log_records import SLOT_BYTES, Format, most_area_bytes, read_format

_RETRY_BYTES = 256
_SECTOR_BYTES = 4096  # of a file without a FORMAT record


class BoardFlash:
    """A board's flash, read over the wire; nothing is written.

    Args:
        session: with the board.

    Attributes:
        size_bytes: of the store's region.
        sector_bytes: what one erase clears.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.size_bytes = session.info.flash_bytes
        self.sector_bytes = session.info.sector_bytes

    def read(self, at: int, size: int) -> bytes:
        """Read bytes; those that the flash cannot give are 0.

        Raises:
            MethodError: the firmware has no `flash_read`.
        """
        calls = ((at + start, wanted) for start, wanted in pieces(self._session, size))
        try:
            parts = list(self._session.stream("flash_read", calls))
        except FlashError:
            starts = range(at, at + size, _RETRY_BYTES)
            parts = [self._read_again(i, min(_RETRY_BYTES, at + size - i)) for i in starts]
        data = b"".join(part for part in parts if isinstance(part, bytes))
        if len(data) != size:
            raise ProtocolError(f"flash_read: must give {size} bytes at {at}; gave {len(data)}")
        return data

    def _read_again(self, at: int, size: int) -> Value:
        try:
            return self._session.call("flash_read", at, size)
        except FlashError:
            return bytes(size)


class FileFlash:
    """A file that holds a board's flash, the store's region at its start.

    Args:
        path: of the file; it is not written.

    Attributes:
        size_bytes: of the store's region; of the file, at most, if no FORMAT record says it.
        sector_bytes: what one erase clears.

    Raises:
        InputError: the file cannot be read, or is too short for a store.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        self.size_bytes, self.sector_bytes = self._measure(path)

    def __enter__(self) -> FileFlash:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, at: int, size: int) -> bytes:
        """Read bytes; those behind the file's end are 0."""
        self._file.seek(at)
        return self._file.read(size).ljust(size, b"\0")

    def _measure(self, path: Path) -> tuple[int, int]:
        whole = min(self._file.seek(0, os.SEEK_END), FLASH_BYTES_MAX)
        most = most_area_bytes(whole, _SECTOR_BYTES)
        if whole < 2 * most:
            self._file.close()
            raise InputError(f"{path} must have at least {2 * most} bytes; has {whole}")
        raw = self.read(0, 2 * most)
        for at in range(0, len(raw), SLOT_BYTES):
            found = read_format(raw[at : at + SLOT_BYTES])
            if found is not None and _is_sound(found, whole):
                return found.region_bytes, found.sector_bytes
        return whole, _SECTOR_BYTES


def _is_sound(found: Format, whole: int) -> bool:
    try:
        check_geometry(found.region_bytes, found.sector_bytes)
    except InputError:
        return False
    return 0 < 2 * found.area_bytes <= found.region_bytes <= whole
