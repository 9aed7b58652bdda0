"""The firmware's core as a process: a board without QEMU and MicroPython.

It is the C code of the boards, with flash in a file or in RAM. It checks and runs models that are
compiled for the target "host". A step that faults or does not return restarts it, for it has no
MPU; it answers no Python. Linux and macOS.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from host_sdk.errors import SimulatorError
from host_sdk.transports.lock import lock_flash
from host_sdk.transports.stream import SocketTransport

_FLASH_BYTES = 1 << 20
_ENDING_S = 2.0


class CoreProcess:
    """A running core; it ends with `close`, and with this process however that ends.

    Args:
        uart: one end of a connection; the core takes a copy.
        flash: file that keeps the flash, made if it is missing; None: blank, in RAM.
        program: what to run; None: the core itself, built first if that is needed.
        arena_bytes: RAM for models.
        flash_bytes: size of blank flash.
        lockable: the core itself is the one that can be locked.
        pass_fds: further descriptors for the program.
        environment: variables to add for the program.

    Attributes:
        flash: the file that keeps the flash.

    Raises:
        FlashFileBusyError: another simulator holds the flash file.
        SimulatorError: the core cannot be built or started.
    """

    def __init__(
        self,
        uart: socket.socket,
        flash: Path | None = None,
        *,
        program: Path | None = None,
        arena_bytes: int = 1 << 18,
        flash_bytes: int = _FLASH_BYTES,
        lockable: bool = False,
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        command = [str(program or _core_program(lockable))]
        with contextlib.ExitStack() as held:
            if flash is not None:
                held.callback(lock_flash(flash).release)
            self.flash = held.enter_context(_open_flash(flash, flash_bytes))
            self._said = held.enter_context(tempfile.TemporaryFile())
            flash_fd = self.flash.fileno()
            try:
                self._process = subprocess.Popen(
                    [*command, f"/dev/fd/{flash_fd}", str(arena_bytes)],
                    stdin=uart.fileno(),
                    stdout=uart.fileno(),
                    stderr=self._said,
                    pass_fds=[flash_fd, *pass_fds],
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,  # a terminal's Ctrl-C is not for the board
                )
            except OSError as error:
                raise SimulatorError(f"the core cannot be started: {error}") from error
            self._held = held.pop_all()

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self._process.pid

    def why_ended(self) -> str:
        """Say how the core ended, and what it said before."""
        try:
            code = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return "the core closed its line"
        how = f"by signal {-code}" if code < 0 else f"with status {code}"
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        return f"the core ended {how}{': ' + said if said else ''}"

    def close(self) -> None:
        """End the core and free the flash file."""
        self._process.kill()
        self._process.wait()
        self._held.close()


def open_core(
    flash: Path | None = None, arena_bytes: int = 1 << 18, *, lockable: bool = False
) -> SocketTransport:
    """Start a core, which ends when the transport is closed; see `CoreProcess`."""
    here, there = socket.socketpair()
    with there:
        try:
            core = CoreProcess(there, flash, arena_bytes=arena_bytes, lockable=lockable)
        except BaseException:
            here.close()
            raise
    return SocketTransport(here, "core", core.close, core.why_ended)


def _core_program(lockable: bool) -> Path:
    from device_fw.build.core_program import core_program
    from device_fw.errors import FirmwareError

    try:
        return core_program(lockable=lockable)
    except FirmwareError as error:
        raise SimulatorError(f"the core cannot be built: {error}") from error


def _open_flash(flash: Path | None, size: int) -> IO[bytes]:
    file: IO[bytes] = flash.open("r+b") if flash else tempfile.TemporaryFile()  # noqa: SIM115
    if file.seek(0, os.SEEK_END) == 0:
        file.write(b"\xff" * size)
        file.flush()
    return file
