"""UF2: a firmware in blocks that say where they belong, and to which chip.

https://github.com/microsoft/uf2: 512 bytes a block, of which 256 are of the firmware.
"""

from __future__ import annotations

import struct

__all__ = ["uf2_blocks"]

_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_HAS_FAMILY = 0x2000
_PART = 256


def uf2_blocks(image: bytes, address: int, family: int) -> bytes:
    """Write a flash image as UF2.

    Args:
        image: of the flash.
        address: that it begins at.
        family: number of the chip's family: 0xE48BFF56 is RP2040, 0xE48BFF59 RP2350.
    """
    parts = [image[at : at + _PART].ljust(_PART, b"\0") for at in range(0, len(image), _PART)]
    blocks = []
    for i, part in enumerate(parts):
        place = (address + i * _PART, _PART, i, len(parts), family)
        head = struct.pack("<8I", *_MAGIC[:2], _HAS_FAMILY, *place)
        blocks.append(head + part.ljust(476, b"\0") + struct.pack("<I", _MAGIC[2]))
    return b"".join(blocks)
