"""The boards and chips that can be flashed: `known_boards.toml`, `chips.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from host_sdk.errors import InputError

_FOLDER = Path(__file__).resolve().parent
_KIB = 1024


@dataclass(frozen=True)
class Chip:
    """A chip, by what its boot loader says.

    Attributes:
        name: "rp2040", "stm32f446xe".
        flash: the address at which its flash begins.
        uf2_family: the number in a UF2 for it; 0: it takes none.
        uf2_board_id: what its drive calls itself in INFO_UF2.TXT.
        id: what an STM32's boot loader answers to Get ID; 0: it is no STM32.
        sectors: bytes of each sector of the flash of an STM32.
        ram_bytes: from 0x20000000 on; 0: not known.
    """

    name: str
    flash: int
    uf2_family: int = 0
    uf2_board_id: str = ""
    id: int = 0
    sectors: tuple[int, ...] = ()
    ram_bytes: int = 0


@dataclass(frozen=True)
class KnownBoard:
    """A board that `xipnet flash` can write.

    Attributes:
        name: as `make firmware BOARD=` takes it.
        title: for people.
        identity: what its firmware calls itself in `hello`.
        chip: of the board.
        image: the name of its image's file.
        state: what was seen of it: "tested (EMULATOR)" or "built, not run".
        boot: how a person brings it into its boot loader.
        drives: labels of its debugger's drive.
    """

    name: str
    title: str
    identity: str
    chip: Chip
    image: str
    state: str
    boot: str
    drives: tuple[str, ...] = ()


@cache
def chips() -> Mapping[str, Chip]:
    """Return all chips by name."""
    return {name: _chip(name, table) for name, table in _read("chips.toml").items()}


@cache
def known_boards() -> Mapping[str, KnownBoard]:
    """Return all boards by name."""
    return {
        name: KnownBoard(
            name=name,
            title=table["title"],
            identity=table["identity"],
            chip=chips()[table["chip"]],
            image=table["image"],
            state=table["state"],
            boot=table["boot"],
            drives=tuple(table.get("drives", ())),
        )
        for name, table in _read("known_boards.toml").items()
    }


def known_board(name: str) -> KnownBoard:
    """Return a board.

    Raises:
        InputError: there is none of that name.
    """
    if name not in known_boards():
        raise InputError(f"no board {name!r} to flash; there are {', '.join(known_boards())}")
    return known_boards()[name]


def _chip(name: str, table: Mapping[str, Any]) -> Chip:
    return Chip(
        name=name,
        flash=table["flash"],
        uf2_family=table.get("uf2_family", 0),
        uf2_board_id=table.get("uf2_board_id", ""),
        id=table.get("id", 0),
        sectors=tuple(size * _KIB for size in table.get("sectors", ())) * table.get("times", 1),
        ram_bytes=table.get("ram", 0) * _KIB,
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))
