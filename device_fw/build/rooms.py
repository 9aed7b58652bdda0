"""Say where the code of a firmware goes: bytes by folder, from the linker's map."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePath

__all__ = ["rooms_of", "text_by_room"]

_SECTION = re.compile(r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ (\S+)$")
_PIECE = re.compile(r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ {9}(\S.*):\(\S*\)$")
_TEXT = (".vectors", ".ram_code", ".text")
_REST = "constants that files share, alignment"


def text_by_room(link_map: str, objects: PurePath) -> Mapping[str, int]:
    """Add up the code of a link.

    Args:
        link_map: what `ld.lld -Map` writes.
        objects: the folder of the object files, each in the folder of its source.

    Returns:
        Bytes of each room, the largest first; together what `text_bytes` says of the firmware.
    """
    rooms, section, rest = Counter[str](), "", 0
    for line in link_map.splitlines():
        if found := _SECTION.match(line):
            section = found[2]
            rest += int(found[1], 16) if section in _TEXT else 0
        elif section in _TEXT and (found := _PIECE.match(line)):
            size = int(found[1], 16)
            rooms[_room(PurePath(found[2]), objects)] += size
            rest -= size
    rooms[_REST] += rest
    return dict(rooms.most_common())


def rooms_of(elf: Path) -> Mapping[str, int]:
    """Return the bytes of each room of a firmware that was built here."""
    work = elf.with_suffix("")
    link_map = (work / "linked.elf.map").read_text(encoding="utf-8")
    return text_by_room(link_map, work / "objects")


def _room(file: PurePath, objects: PurePath) -> str:
    if not file.is_relative_to(objects):
        return _REST  # texts that the linker merged
    parts = file.relative_to(objects).parts
    if len(parts) == 1:
        return file.name.removesuffix(".o")
    folder = "/".join(parts[1:-1])
    return f"{folder} of MicroPython" if parts[0][0].isdigit() else folder or "board"
