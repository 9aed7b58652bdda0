"""STM32's boot loader in ROM over a UART: ST AN3155, commands of its table 2."""

from __future__ import annotations

import functools
import operator

import serial

from host_sdk.display.progress import Progress
from host_sdk.errors import BootloaderError
from host_sdk.flashing.image import FirmwareImage
from host_sdk.flashing.known_boards import KnownBoard
from host_sdk.transports.lock import lock_port
from host_sdk.transports.serial import open_serial

_SYNC, _ACK, _NACK = 0x7F, 0x79, 0x1F
_GET_ID, _READ, _GO, _WRITE, _ERASE = 0x02, 0x11, 0x21, 0x31, 0x44
_PIECE = 256
_BAUD, _PARITY = 115200, serial.PARITY_EVEN
_ANSWER_S = 1.0
_ERASE_S = (
    4.0  # of a sector: 128 KiB of an STM32F446 take up to 4 s below 2.7 V (its datasheet, DS10693)
)


class UartBootloader:
    """A chip that was reset with BOOT0 high; to be closed.

    Args:
        port: the serial port.

    Attributes:
        chip_id: what it answers to Get ID.

    Raises:
        LinkError: no such port; it is in use; nothing answers there.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self._lock = lock_port(port)
        try:
            self._serial = open_serial(port, _BAUD)
            try:
                self._serial.parity = _PARITY
                self._serial.timeout = _ANSWER_S
                self.chip_id = self._begin()
            except BaseException:
                self._serial.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def __str__(self) -> str:
        return f"STM32's UART boot loader at {self.port}"

    def close(self) -> None:
        """Give the port back."""
        self._serial.close()
        self._lock.release()

    def fits(self, board: KnownBoard) -> bool:
        """Whether its chip is the board's."""
        return board.chip.id == self.chip_id

    def lost(self, image: FirmwareImage) -> str:
        """Say what the writing destroys."""
        numbers = ", ".join(str(n) for n, _, _ in image.sectors())
        return f"sectors {numbers} of the flash; the others stay"

    def write(self, image: FirmwareImage, progress: Progress) -> str:
        """Erase the sectors that the image has bytes in, write, read back, start.

        Returns:
            What was verified.

        Raises:
            BootloaderError: the chip refuses (its flash may be protected), falls silent, or holds
                other bytes than were written.
        """
        sectors = list(image.sectors())
        self._erase([number for number, _, _ in sectors])
        pieces = [
            (address + at, data[at : at + _PIECE])
            for _, address, data in sectors
            for at in range(0, len(data), _PIECE)
        ]
        total = 2 * sum(len(data) for _, data in pieces)
        done = 0
        for address, data in pieces:
            self._write(address, data)
            done += len(data)
            progress(done, total)
        for address, data in pieces:
            if self._read(address, len(data)) != data:
                raise BootloaderError(f"{self}: flash at 0x{address:08x} is not what was written")
            done += len(data)
            progress(done, total)
        self._command(_GO, "start")
        self._send_address(image.board.chip.flash, "start")
        return f"{total // 2:,} bytes read back"

    def _begin(self) -> int:
        """Let it find the speed; return the chip's id."""
        self._serial.reset_input_buffer()  # type: ignore[attr-defined]
        self._serial.write(bytes([_SYNC]))
        answer = self._serial.read(1)
        if answer not in (bytes([_ACK]), bytes([_NACK])):  # NACK: it knew the speed already
            raise BootloaderError(
                f"{self.port}: no STM32 boot loader answers (got {answer.hex() or 'nothing'}): "
                "set BOOT0 high and reset the chip"
            )
        self._command(_GET_ID, "tell its id")
        count = self._take(1, "tell its id")[0] + 1
        chip_id = int.from_bytes(self._take(count, "tell its id"), "big")
        self._expect_ack("tell its id", _ANSWER_S)
        return chip_id

    def _erase(self, sectors: list[int]) -> None:
        """Send Extended Erase (AN3155 3.8)."""
        self._command(_ERASE, "erase")
        words = [len(sectors) - 1, *sectors]
        self._send(b"".join(word.to_bytes(2, "big") for word in words))
        self._expect_ack("erase", _ERASE_S * len(sectors))

    def _write(self, address: int, data: bytes) -> None:
        """Send Write Memory (AN3155 3.6); whole words."""
        self._command(_WRITE, "write")
        self._send_address(address, "write")
        padded = data + b"\xff" * (-len(data) % 4)
        self._send(bytes([len(padded) - 1]) + padded)
        self._expect_ack(f"write at 0x{address:08x}", _ANSWER_S)

    def _read(self, address: int, size: int) -> bytes:
        """Send Read Memory (AN3155 3.4)."""
        self._command(_READ, "read")
        self._send_address(address, "read")
        self._serial.write(bytes([size - 1, (size - 1) ^ 0xFF]))
        self._expect_ack(f"read at 0x{address:08x}", _ANSWER_S)
        return self._take(size, f"read at 0x{address:08x}")

    def _command(self, number: int, what: str) -> None:
        self._serial.write(bytes([number, number ^ 0xFF]))
        self._expect_ack(what, _ANSWER_S)

    def _send_address(self, address: int, what: str) -> None:
        self._send(address.to_bytes(4, "big"))
        self._expect_ack(f"{what} at 0x{address:08x}", _ANSWER_S)

    def _send(self, data: bytes) -> None:
        """Send bytes and their checksum: all of them, exclusive or."""
        self._serial.write(data + bytes([functools.reduce(operator.xor, data)]))

    def _expect_ack(self, what: str, timeout_s: float) -> None:
        self._serial.timeout = timeout_s
        answer = self._serial.read(1)
        self._serial.timeout = _ANSWER_S
        if answer == bytes([_NACK]):
            raise BootloaderError(f"{self}: refuses to {what}: is its flash protected?")
        if answer != bytes([_ACK]):
            raise BootloaderError(f"{self}: to {what}: expected an ACK, got {answer.hex() or None}")

    def _take(self, size: int, what: str) -> bytes:
        data = self._serial.read(size)
        if len(data) != size:
            raise BootloaderError(f"{self}: to {what}: expected {size} bytes, got {len(data)}")
        return data
