"""The sectors of an STM32F4's flash that a board's TOML gives to the store.

A wrong one would be erased under the firmware.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["check_sectors"]

_BASE, _KIB = 0x08000000, 1024
_SIZES = (*(16 * _KIB,) * 4, 64 * _KIB, *(128 * _KIB,) * 7)  # RM0090, table 5: 1 MB
_LOG_SECTORS, _LOG_BYTES, _OBJECT_BYTES = 2, 16 * _KIB, 128 * _KIB


def check_sectors(sectors: list[int], size: int, code: Iterable[tuple[int, int]]) -> None:
    """Check what `device_fw/parts/flash_stm32f4.c` takes as given.

    Args:
        sectors: numbers of the store's, in the order of its offsets.
        size: of the store, `bytes` of the TOML.
        code: (address, bytes) of what the linker puts into flash.

    Raises:
        ValueError: a rule is broken.
    """
    if max(sectors) >= len(_SIZES) or len(set(sectors)) != len(sectors):
        raise ValueError(
            f"[flash] sectors must be different numbers of 0 to {len(_SIZES) - 1}; are {sectors}"
        )
    log, objects = sectors[:_LOG_SECTORS], sectors[_LOG_SECTORS:]
    sizes = [_SIZES[n] for n in log], [_SIZES[n] for n in objects]
    if sizes != ([_LOG_BYTES] * _LOG_SECTORS, [_OBJECT_BYTES] * len(objects)) or not objects:
        raise ValueError(
            "[flash] sectors must be two of 16 KB (0 to 3), for the log, and then such of 128 KB "
            f"(5 and more); are {sectors}"
        )
    if objects != list(range(objects[0], objects[0] + len(objects))):
        raise ValueError(f"[flash] sectors of 128 KB must follow one another; are {objects}")
    total = sum(_SIZES[n] for n in sectors)
    if size != total:
        raise ValueError(f"[flash] bytes must be {total:#x}, those of its sectors; is {size:#x}")
    for address, length in code:
        for n in sectors:
            start = _BASE + sum(_SIZES[:n])
            if address < start + _SIZES[n] and start < address + length:
                raise ValueError(
                    f"[flash] sector {n} is the store's, but [memory] has the firmware at "
                    f"{address:#x} to {address + length:#x}"
                )
