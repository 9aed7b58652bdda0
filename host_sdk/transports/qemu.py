"""The real firmware under QEMU, its flash in a file. Linux and macOS.

QEMU ends with this process, however that ends: by `close`, by atexit, and on Linux by the kernel.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from device_fw.boards import (
    LOCKABLE_SUFFIX,
    Board,
    board_for_cpu,
    load_board,
    qemu_command,
    read_board,
    sensor_arguments,
    virtual_names,
)
from host_sdk.errors import (
    PortNotFoundError,
    SimulatorError,
    ToolMissingError,
)
from host_sdk.transports.lock import lock_flash

_INSTALL = {"darwin": "brew install qemu"}
# prctl(PR_SET_PDEATHSIG, SIGKILL); the parent may be gone already.
_DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def find_board(name: str) -> Board:
    """Find a virtual board by its name, its CPU, or the path of its TOML.

    `-lockable` behind a name or a CPU asks for the firmware that can be locked.

    Raises:
        PortNotFoundError: there is none.
    """
    if name.endswith(".toml"):
        try:
            return read_board(Path(name).expanduser())
        except ValueError as error:
            raise PortNotFoundError(str(error)) from error
    if name.removesuffix(LOCKABLE_SUFFIX) in virtual_names():
        return load_board(name)
    try:
        return board_for_cpu(name)
    except ValueError as error:
        known = ", ".join(f"{load_board(b).cpu} ({b})" for b in virtual_names())
        raise PortNotFoundError(f"virtual board must be one of {known}; is {name!r}") from error


class Qemu:
    """A running virtual board.

    Args:
        board: which.
        flash: file that keeps the flash; None: a fresh one that goes away at the end.
        uart: one end of a connection, or a listening socket; QEMU takes a copy.
        extra: more arguments for QEMU.
        sensors: one end of a connection for the board's sensors, if it has any; QEMU takes a copy.

    Raises:
        ToolMissingError: QEMU is not installed.
        SimulatorError: the firmware cannot be built, no emulator plays the board, or its flash
            cannot be kept.
        FlashFileBusyError: another simulator holds the flash file.
    """

    def __init__(
        self,
        board: Board,
        flash: Path | None,
        uart: socket.socket,
        extra: tuple[str, ...] = (),
        sensors: socket.socket | None = None,
    ) -> None:
        self.board = board
        if board.emulator is None:
            raise SimulatorError(f"no emulator plays {board.title}")
        if sensors is not None and all(part.table != "sensors" for part in board.parts):
            raise SimulatorError(f"{board.title} has no camera and no microphone")
        if flash is not None and board.emulator.memory_bytes is None:
            raise SimulatorError(f"the flash of {board.title} ends with it; not kept in {flash}")
        program = _find_qemu(board.emulator.program)
        firmware = _firmware(board)
        self._folder = tempfile.TemporaryDirectory(prefix="xipnet-")
        self._said = Path(self._folder.name) / "qemu.txt"
        path = flash or Path(self._folder.name) / "flash"
        try:
            self._lock = lock_flash(path)
        except BaseException:
            self._folder.cleanup()
            raise
        uart_number = uart.fileno()
        listening = uart.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        server = ",server=on,wait=off,nodelay=on" if listening else ""
        command = qemu_command(board, firmware, path, "chardev:uart")
        command = [program, *command[1:], *extra]
        # mux=on: bytes reach the board three times as quickly; qemu_command lets all through.
        command += ["-chardev", f"socket,id=uart,fd={uart_number}{server},mux=on"]
        lent = [uart_number]
        if sensors is not None:
            lent.append(sensors.fileno())
            command += sensor_arguments(board, sensors.fileno())
        try:
            self._process = _start(command, lent, self._said)
        except BaseException:
            self._lock.release()
            self._folder.cleanup()
            raise
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        """QEMU's process."""
        return self._process.pid

    def why_ended(self) -> str:
        """Return what QEMU said before it ended."""
        said = self._said.read_text(errors="replace").strip() if self._said.exists() else ""
        return f"the simulator ended{': ' + said if said else ''}"

    def wait(self) -> int:
        """Wait until QEMU ends by itself."""
        return self._process.wait()

    def close(self) -> None:
        """End QEMU and free the flash file; calling it again does nothing."""
        atexit.unregister(self.close)
        self._process.kill()
        self._process.wait()
        self._lock.release()
        self._folder.cleanup()


def _find_qemu(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        install = _INSTALL.get(sys.platform, "apt install qemu-system-arm")
        raise ToolMissingError(f"QEMU ({program})", install)
    return found


def _firmware(board: Board) -> Path:
    from device_fw.build import firmware_path
    from device_fw.errors import FirmwareError

    try:
        return firmware_path(board)
    except FirmwareError as error:
        raise SimulatorError(f"the firmware of {board.name} cannot be built: {error}") from error


def _start(command: list[str], lent: list[int], said: Path) -> subprocess.Popen[bytes]:
    """Start QEMU from a thread that lives as long as QEMU does.

    The kernel's "die with the parent" means the thread that started it, not the process.
    """
    started = threading.Event()
    result: list[subprocess.Popen[bytes] | Exception] = []

    def keep() -> None:
        try:
            with said.open("wb") as log:
                process = subprocess.Popen(
                    _die_with_parent(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=lent,
                    start_new_session=True,  # a terminal's Ctrl-C is not for QEMU
                )
        except Exception as error:  # also ValueError: Windows hands no descriptors on
            result.append(error)
            started.set()
            return
        result.append(process)
        started.set()
        process.wait()

    threading.Thread(target=keep, name="xipnet-qemu", daemon=True).start()
    started.wait()
    if isinstance(result[0], Exception):
        raise SimulatorError(f"QEMU cannot be started: {result[0]}") from result[0]
    return result[0]


def _die_with_parent(command: list[str]) -> list[str]:
    """Put a command behind lines of Python that ask the kernel for it, then become it.

    Popen's preexec_fn would do it, too, but is not safe in a process with threads.
    """
    if not sys.platform.startswith("linux"):
        return command
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]
