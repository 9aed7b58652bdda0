"""The order of flashing: which board, what is lost, write, wait until it answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

import serial

from host_sdk.device import Device
from host_sdk.display.progress import Progress
from host_sdk.errors import (
    BootloaderError,
    FirmwareFileError,
    LinkError,
    NoResponseError,
    PortNotFoundError,
)
from host_sdk.flashing.an3155 import UartBootloader
from host_sdk.flashing.dfu_util import find_dfu_devices
from host_sdk.flashing.drives import find_drives
from host_sdk.flashing.image import FirmwareImage
from host_sdk.flashing.known_boards import KnownBoard, known_boards
from host_sdk.transports.usb import usb_ports

# What a board on USB needs to restart, to be enumerated, and for its first look at the store.
_START_S = 30.0
_BOOT_S = 15.0
_HELLO_S = 2.0
_TOUCH_BAUD = 1200
_RASPBERRY_PI = 0x2E8A


class Way(Protocol):
    """A board that waits for a firmware; as a text: where it was found."""

    def fits(self, board: KnownBoard) -> bool:
        """Whether it may be such a board, by what it tells of itself."""

    def lost(self, image: FirmwareImage) -> str:
        """Say what the writing destroys."""

    def write(self, image: FirmwareImage, progress: Progress) -> str:
        """Write the image, verify and start it; say what was verified."""


@dataclass(frozen=True)
class FlashPlan:
    """What is about to be done.

    Attributes:
        image: the firmware.
        way: the board that waits for it.
    """

    image: FirmwareImage
    way: Way

    def facts(self) -> Mapping[str, str]:
        """Say it to a person, before it is done."""
        image = self.image
        return {
            "board": f"{image.board.title} ({image.board.chip.name}), {self.way}",
            "write": f"{image.file}: {image.size_bytes:,} bytes at 0x{image.parts[0][0]:08x}",
            "SHA-256": image.sha256,
            "lost": self.way.lost(image),
        }


@contextmanager
def waiting_boards(board: KnownBoard | None, port: str | None) -> Iterator[list[Way]]:
    """Find the boards that wait for a firmware.

    Args:
        board: what they must be; None: any that is known.
        port: a serial port whose chip may be in its UART boot loader, or whose firmware can go
            into its boot loader; None: drives and USB only.

    Yields:
        Those that were found; usable while the context is open.
    """
    boards = [board] if board else list(known_boards().values())

    def fitting(ways: Iterable[Way]) -> list[Way]:
        return [way for way in ways if any(way.fits(b) for b in boards)]

    found = fitting([*find_drives(), *find_dfu_devices()])
    if found or port is None:
        yield found
    elif board is not None and board.chip.id:
        with closing(UartBootloader(port)) as loader:
            if not loader.fits(board):
                raise BootloaderError(
                    f"{loader}: chip must be 0x{board.chip.id:03x} ({board.title}); is "
                    f"0x{loader.chip_id:03x}"
                )
            yield [loader]
    else:
        yield fitting(_touched(port))


def choose(image: FirmwareImage, ways: list[Way]) -> FlashPlan:
    """Choose the board that an image goes to.

    Raises:
        FirmwareFileError: the boards that wait are others.
        PortNotFoundError: none waits, or several that it fits.
    """
    board = image.board
    fitting = [way for way in ways if way.fits(board)]
    if len(fitting) == 1:
        return FlashPlan(image, fitting[0])
    if fitting:
        places = ", ".join(str(way) for way in fitting)
        raise PortNotFoundError(f"which {board.title}? {places}: unplug the others")
    if ways:
        places = ", ".join(str(way) for way in ways)
        raise FirmwareFileError(
            f"{image.file}: is for {board.title} ({board.chip.name}); what waits is {places}"
        )
    raise PortNotFoundError(no_board_text([board]))


def fitting_boards(ways: Iterable[Way]) -> list[KnownBoard]:
    """Return the boards that those which wait may be."""
    return [b for b in known_boards().values() if any(way.fits(b) for way in ways)]


def no_board_text(boards: Iterable[KnownBoard]) -> str:
    """Say that no board waits, and how each gets there."""
    lines = [f"  {b.name.ljust(14)}  {b.boot}" for b in boards]
    return "\n".join(
        [
            "no board waits for a firmware: looked for boot drives, ST-LINK drives, dfu-util's "
            "devices, and at --port if one is named",
            *lines,
        ]
    )


def wait_for_board(board: KnownBoard, port: str | None) -> Device:
    """Wait until the new firmware answers `hello`.

    Args:
        board: that was written.
        port: where; None: at any serial port with a USB id.

    Raises:
        NoResponseError: nothing answers as this board.
    """
    end = time.monotonic() + _START_S
    seen: dict[str, str] = {}
    while time.monotonic() < end:
        for name in [port] if port else [p.port for p in usb_ports()]:
            try:
                device = Device(name, timeout_s=_HELLO_S)
            except LinkError as error:
                seen[name] = str(error)
                continue
            if device.info().board == board.identity:
                return device
            seen[name] = f"is a {device.info().board}"
            device.close()
        time.sleep(0.2)
    ports = "; ".join(f"{name}: {what}" for name, what in seen.items()) or "there is no USB port"
    raise NoResponseError(
        f"{board.title} does not answer {_START_S:g} s after it was written ({ports})",
        "hello",
        _START_S,
    )


def _touched(port: str) -> Iterable[Way]:
    """Open a running firmware's port with 1200 baud: its boot loader starts."""
    if not any(p.port == port and p.vid == _RASPBERRY_PI for p in usb_ports()):
        raise BootloaderError(f"{port}: cannot be brought into a boot loader from here")
    try:
        serial.Serial(port, _TOUCH_BAUD).close()
    except serial.SerialException as error:
        raise PortNotFoundError(f"{port} cannot be opened: {error}") from error
    end = time.monotonic() + _BOOT_S
    while time.monotonic() < end:
        if drives := list(find_drives()):
            return drives
        time.sleep(0.2)
    raise BootloaderError(f"{port}: no boot drive within {_BOOT_S:g} s after the 1200-baud touch")
