"""Start a board under QEMU."""

from __future__ import annotations

from pathlib import Path

from device_fw.boards.board import Board

__all__ = ["RANDOM_SERIAL", "qemu_command", "sensor_arguments"]

# A second UART, on which the board reads this computer's random bytes (parts/random_cmsdk.c).
RANDOM_SERIAL = ("-chardev", "pipe,id=random,path=/dev/urandom", "-serial", "chardev:random")


def qemu_command(board: Board, elf: Path, flash_file: Path, serial: str) -> list[str]:
    """Return the command that starts a board under QEMU.

    Args:
        board: which one; it has an emulator.
        elf: its firmware.
        flash_file: keeps the flash; made, and blank, if it is missing or empty and its folder is
            there. The flash is at its start. Unused if the board's flash ends with the machine.
        serial: QEMU's `-serial`, for example `tcp:127.0.0.1:4000,server=on,wait=off,nodelay=on`.

    Raises:
        ValueError: no emulator plays the board.
    """
    emulator = board.emulator
    if emulator is None:
        raise ValueError(f"no emulator plays {board.title}")
    machine, backend = emulator.machine, []
    if emulator.memory_bytes is not None:
        _make_blank(flash_file, board.flash_bytes, emulator.memory_bytes)
        machine += ",memory-backend=flash"
        file = f"mem-path={_quote(flash_file)},size={emulator.memory_bytes}"
        backend = ["-object", f"memory-backend-file,id=flash,share=on,{file}"]
    return [
        emulator.program,
        *("-machine", machine, *backend),
        *("-kernel", str(elf)),
        *("-display", "none", "-monitor", "none", "-nic", "none"),
        # No byte is QEMU's own: a character device with mux=on, which carries bytes to the board
        # three times as quickly, would keep Ctrl-A for itself.
        *("-echr", "256"),
        *emulator.arguments,
        *("-serial", serial),
        *(
            RANDOM_SERIAL
            if any(part.table == "entropy" for part in board.parts if part.name)
            else ()
        ),
    ]


def sensor_arguments(board: Board, socket: int) -> list[str]:
    """Return what `qemu_command` lacks for a board whose sensors are played.

    Args:
        board: which one; its TOML has the table `sensors`.
        socket: file number of a connected socket.
    """
    has_random = any(part.table == "entropy" for part in board.parts if part.name)
    return [
        *(() if has_random else ("-serial", "null")),
        *("-chardev", f"socket,id=sensors,fd={socket},mux=on", "-serial", "chardev:sensors"),
    ]


def _make_blank(flash_file: Path, flash_bytes: int, memory_bytes: int) -> None:
    """Make a file as flash leaves the factory; QEMU would make one of zeros."""
    if not flash_file.parent.is_dir() or (flash_file.exists() and flash_file.stat().st_size > 0):
        return
    with flash_file.open("wb") as file:  # the same file: it may be locked already
        file.write(b"\xff" * flash_bytes)
        file.truncate(memory_bytes)


def _quote(path: Path) -> str:
    return str(path).replace(",", ",,")
