"""Firmware images: UF2 files, and plain bytes of an STM32's flash."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from host_sdk.errors import FirmwareFileError
from host_sdk.flashing.known_boards import Chip, KnownBoard, chips, known_boards

_UF2_BLOCK = 512
_UF2_HEAD = struct.Struct("<8I")
_UF2_MAGIC = (0x0A324655, 0x9E5D5157)
_UF2_END = 0x0AB16F30
_UF2_MOST = 476
_NOT_FLASH, _HAS_FAMILY = 0x1, 0x2000
_MOST_BYTES = 32 << 20
_RAM = 0x20000000
_ERASED = 0xFF


@dataclass(frozen=True)
class FirmwareImage:
    """What is to be in a chip's flash.

    Attributes:
        file: it was read from.
        board: that it is for.
        contents: of the file.
        parts: (address, bytes), ascending, apart from each other.
    """

    file: Path
    board: KnownBoard
    contents: bytes
    parts: tuple[tuple[int, bytes], ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of flash that are written."""
        return sum(len(data) for _, data in self.parts)

    @property
    def sha256(self) -> str:
        """Of the file, as a page of releases shows it."""
        return hashlib.sha256(self.contents).hexdigest()

    def bytes_at(self, address: int, size: int) -> bytes:
        """Return what is to be in a range of the flash, 0xFF where nothing is."""
        out = bytearray([_ERASED]) * size
        for at, data in self.parts:
            first, last = max(at, address), min(at + len(data), address + size)
            if first < last:
                out[first - address : last - address] = data[first - at : last - at]
        return bytes(out)

    def sectors(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (number, address, bytes) of each sector that the image has bytes in."""
        address = self.board.chip.flash
        end = max(at + len(data) for at, data in self.parts)
        for number, size in enumerate(self.board.chip.sectors):
            data = self.bytes_at(address, min(size, max(end - address, 0)))
            if data.strip(bytes([_ERASED])):
                yield number, address, data
            address += size

    def runs(self) -> Iterator[tuple[int, bytes]]:
        """Yield (address, bytes) of sectors that follow one another, from the lowest on."""
        start, run = self.board.chip.flash, b""
        for _, address, data in self.sectors():
            if run and address != start + len(run):
                yield start, run
                run = b""
            start = start if run else address
            run += data
        yield start, run


def read_image(file: Path, board: KnownBoard | None = None) -> FirmwareImage:
    """Read an image and see whether it is for a board.

    Args:
        file: a UF2, or the bytes of an STM32's flash from its begin.
        board: that it must be for; None: the one whose firmware it is.

    Raises:
        FirmwareFileError: it is no image, damaged, of another chip or another board.
        OSError: it cannot be read.
    """
    size = file.stat().st_size
    if size > _MOST_BYTES:
        raise FirmwareFileError(f"{file}: at most {_MOST_BYTES:,} bytes; are {size:,}")
    contents = file.read_bytes()
    is_uf2 = contents[:4] == _UF2_MAGIC[0].to_bytes(4, "little")
    family, parts = _read_uf2(file, contents) if is_uf2 else (0, ((0, contents),))
    found = _board_of(file, parts)
    if board is not None and board is not found:
        raise FirmwareFileError(
            f"{file}: must be a firmware of {board.title}; is one of {found.title}"
        )
    if is_uf2:
        _check_family(file, family, found.chip)
    else:
        parts = ((found.chip.flash, contents),)
        _check_vectors(file, contents, found.chip)
    return FirmwareImage(file, found, contents, parts)


def _board_of(file: Path, parts: tuple[tuple[int, bytes], ...]) -> KnownBoard:
    """Find the board that a firmware calls itself; the longest name."""
    names = {b.identity.encode() + b"\0": b for b in known_boards().values()}
    found = [b for text, b in names.items() if any(text in data for _, data in parts)]
    if not found:
        raise FirmwareFileError(
            f"{file}: must be a firmware of xipnet for {', '.join(known_boards())}; names none"
        )
    return max(found, key=lambda b: len(b.identity))


def _check_family(file: Path, family: int, chip: Chip) -> None:
    if not chip.uf2_family:
        raise FirmwareFileError(f"{file}: must be the flash's plain bytes, for {chip.name}")
    if family != chip.uf2_family:
        names = {c.uf2_family: c.name for c in chips().values() if c.uf2_family}
        seen = names.get(family, "another chip")
        raise FirmwareFileError(
            f"{file}: family must be 0x{chip.uf2_family:08x} ({chip.name}); is 0x{family:08x} "
            f"({seen})"
        )


def _check_vectors(file: Path, image: bytes, chip: Chip) -> None:
    """Look at the first two words: the stack's end, the start (Armv7-M ARM B1.5.3)."""
    if not chip.id:
        raise FirmwareFileError(f"{file}: must be a UF2, for {chip.name}")
    size = sum(chip.sectors)
    if not 8 <= len(image) <= size:
        raise FirmwareFileError(f"{file}: 8 to {size:,} bytes; are {len(image):,}")
    stack, start = struct.unpack_from("<2I", image)
    if not _RAM < stack <= _RAM + chip.ram_bytes:
        raise FirmwareFileError(
            f"{file}: stack must be within {chip.ram_bytes:,} bytes of RAM at 0x{_RAM:08x}; is at "
            f"0x{stack:08x}"
        )
    if not (start & 1 and chip.flash <= start < chip.flash + len(image)):
        raise FirmwareFileError(f"{file}: must start within itself; starts at 0x{start:08x}")


def _read_uf2(file: Path, contents: bytes) -> tuple[int, tuple[tuple[int, bytes], ...]]:
    """Read the blocks; return the family and the parts."""
    if len(contents) % _UF2_BLOCK:
        raise FirmwareFileError(
            f"{file}: a UF2 has blocks of {_UF2_BLOCK} bytes; {len(contents) % _UF2_BLOCK} too many"
        )
    blocks = [contents[at : at + _UF2_BLOCK] for at in range(0, len(contents), _UF2_BLOCK)]
    parts: list[tuple[int, bytearray]] = []
    families = set()
    for number, block in enumerate(blocks):
        place = f"{file}: block {number}"
        first, second, flags, address, size, index, count, family = _UF2_HEAD.unpack_from(block)
        if (first, second) != _UF2_MAGIC or block[-4:] != _UF2_END.to_bytes(4, "little"):
            raise FirmwareFileError(f"{place}: its magic numbers are not a UF2's")
        if (index, count) != (number, len(blocks)):
            raise FirmwareFileError(
                f"{place}: must be {number} of {len(blocks)}; is {index} of {count}"
            )
        if not flags & _HAS_FAMILY or flags & _NOT_FLASH:
            raise FirmwareFileError(f"{place}: must be flash of a family; flags are 0x{flags:x}")
        if not 0 < size <= _UF2_MOST or address + size > 1 << 32:
            raise FirmwareFileError(f"{place}: 1 to {_UF2_MOST} bytes; {size} at 0x{address:08x}")
        families.add(family)
        data = block[_UF2_HEAD.size : _UF2_HEAD.size + size]
        end = parts[-1][0] + len(parts[-1][1]) if parts else -1
        if address < end:
            raise FirmwareFileError(
                f"{place}: addresses must ascend; 0x{address:08x} is below 0x{end:08x}"
            )
        if address == end:
            parts[-1][1].extend(data)
        else:
            parts.append((address, bytearray(data)))
    if len(families) != 1:
        seen = ", ".join(f"0x{f:08x}" for f in sorted(families))
        raise FirmwareFileError(f"{file}: all blocks must be of one family; are of {seen}")
    return families.pop(), tuple((at, bytes(data)) for at, data in parts)
