"""A run that a board kept, byte by byte (docs/SPEC-capsule.md)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError

_HEADER = struct.Struct("<4sHBB32sIIQ")
_MAGIC, _VERSION = b"XNCP", 1
_MOST_PORTS = 16


@dataclass(frozen=True)
class CapsuleRecord:
    """A run.

    Attributes:
        name: of its object.
        sha256: of the blob that ran.
        sequence: its number, from 0 on.
        slots: of the ring.
        captured_us: the board's clock when the inputs were captured; 0: not known.
        inputs: bytes of each.
        outputs: bytes of each, of the network.
    """

    name: str
    sha256: bytes
    sequence: int
    slots: int
    captured_us: int
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]


def read_record(name: str, data: bytes) -> CapsuleRecord:
    """Read a record.

    Args:
        name: of its object or file.
        data: its bytes, whoever wrote them.

    Raises:
        InputError: they are no record.
    """
    place = f"capsule {plain_line(name)}"
    if len(data) < _HEADER.size:
        raise InputError(f"{place}: must have {_HEADER.size} bytes at least; has {len(data)}")
    magic, version, inputs, outputs, sha256, sequence, slots, at = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise InputError(f"{place}: must begin with XNCP and version {_VERSION}")
    if not (1 <= inputs <= _MOST_PORTS and 1 <= outputs <= _MOST_PORTS and slots >= 1):
        raise InputError(
            f"{place}: must have 1 to {_MOST_PORTS} inputs and outputs, and slots; has {inputs}, "
            f"{outputs}, {slots}"
        )
    start = _HEADER.size + 4 * (inputs + outputs)
    if len(data) < start:
        raise InputError(f"{place}: must have {start} bytes at least; has {len(data)}")
    sizes = struct.unpack_from(f"<{inputs + outputs}I", data, _HEADER.size)
    if len(data) != start + sum(sizes):
        raise InputError(f"{place}: must have {start + sum(sizes)} bytes; has {len(data)}")
    parts = []
    for size in sizes:
        parts.append(data[start : start + size])
        start += size
    ports = tuple(parts[:inputs]), tuple(parts[inputs:])
    return CapsuleRecord(name, sha256, sequence, slots, at, *ports)


def in_order(records: Iterable[CapsuleRecord]) -> list[CapsuleRecord]:
    """Sort records, the oldest first."""
    return sorted(records, key=lambda record: (record.sequence, record.name))
