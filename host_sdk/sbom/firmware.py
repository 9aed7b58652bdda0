"""What a firmware's image is made of."""

from __future__ import annotations

from pathlib import Path

import host_sdk
from device_fw.boards import board_names, load_board
from host_sdk.flashing.image import FirmwareImage, read_image
from host_sdk.sbom.own import firmware_part
from host_sdk.sbom.part import Part, Product
from host_sdk.sbom.third_parties import Group, third_parties

_SEAL_MAGIC = b"XPSEAL1\0"  # only firmware that checks seals holds it


def describe_image(file: Path) -> Product:
    """Say what an image is made of, by the board that it is for.

    Raises:
        FirmwareFileError: it is no image of a board that `xipnet flash` knows.
        OSError: it cannot be read.
    """
    image = read_image(file)
    itself = Part(
        name=file.name,
        kind="firmware",
        sha256=image.sha256,
        text=f"firmware of {image.board.title}",
        facts={"board": image.board.name, "chip": image.board.chip.name},
    )
    return Product(itself, (firmware_part(_version(image)), *third_parties(*_groups(image))))


def _version(image: FirmwareImage) -> str:
    """Return this release's version; "" if the image is of another release."""
    text = host_sdk.__version__.encode() + b"\0"
    return host_sdk.__version__ if any(text in data for _, data in image.parts) else ""


def _groups(image: FirmwareImage) -> list[Group]:
    groups: list[Group] = []
    if image.board.name in board_names():
        groups += ["zig", "vm"] if load_board(image.board.name).vm else ["zig"]
    else:
        groups += ["rp2"]
    if any(_SEAL_MAGIC in data for _, data in image.parts):
        groups += ["lockable"]
    return groups
