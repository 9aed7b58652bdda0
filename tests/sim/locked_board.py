"""Make images of a board's flash, filled and locked; do what a host does."""

from __future__ import annotations

import hashlib
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.c.sealing import OWNER, PRODUCT, order, public, seal
from tests.sim.machine import PIECE_BYTES, Machine

BLOB, SCRIPT, DATA = 1, 2, 3
OPEN, WARN, LOCKED, COUNTED = range(4)
ACTIVE = "adds"


def adds(number: int) -> bytes:
    """Make a blob of one byte in and one out, which is `number` more."""
    code = struct.pack("<6H", 0x6801, 0x780A, 0x3200 + number, 0x740A, 0x2000, 0x4770)
    variant = Variant(CORTEX_M.number, 60, 0, code.ljust(16, b"\0"), b"", (0,), 64, 64)
    return Blob((variant,), (Io(0, 1),), (Io(16, 1),), (Entry(0, 1),), {"name": "adds"}).pack()


# What a sealed script does is its own affair: this one does what the tests ask for.
MAIN = b"""
import xipnet
print('main runs')
state = {}

@xipnet.rpc
def tell(source):
    try:
        return repr(eval(source, state))
    except BaseException as error:
        return repr(error)

@xipnet.rpc
def do(source):
    try:
        exec(source, state)
    except BaseException as error:
        return repr(error)

do('import xipnet, sys, os, vfs')
"""
SEALED: dict[str, tuple[int, bytes]] = {
    "boot.py": (SCRIPT, b"print('boot runs')"),
    "main.py": (SCRIPT, MAIN),
    "lib.py": (SCRIPT, b"VALUE = 'of a sealed script'"),
    "sealed.bin": (DATA, b"sealed bytes, " * 40),
}
UNSEALED: dict[str, tuple[int, bytes]] = {
    "loose.py": (SCRIPT, b"VALUE = 'of a script without a seal'"),
    "parts/__init__.py": (SCRIPT, b"VALUE = 'of a package without a seal'"),
    "loose.bin": (DATA, b"bytes without a seal, " * 40),
    "loose": (BLOB, adds(9)),
}
GONE = b"bytes of an object that was removed, " * 100
HALF = b"bytes of an upload that was never finished, " * 200
FILES = """
import os
def write(name, text):
    with open(name, 'w') as file: file.write(text)
os.mkdir('/lib')
write('/main.py', "print('a file runs')")
write('/boot.py', "print('a file runs')")
write('/filed.py', "VALUE = 'of a file'")
write('/lib/inlib.py', "VALUE = 'of a file'")
"""


def put(
    machine: Machine,
    name: str,
    kind: int,
    data: bytes,
    sealed: bytes | None = None,
    activate: bool = False,
) -> Any:
    """Bring an object to the board as a host does, with a seal or without one."""
    begun = begin(machine, name, kind, data, sealed)
    for at in range(0, 0 if begun["have"] else len(data), PIECE_BYTES):
        machine.call("put_data", begun["session"], at, data[at : at + PIECE_BYTES])
    return machine.call("put_end", begun["session"], activate)


def begin(
    machine: Machine, name: str, kind: int, data: bytes, sealed: bytes | None = None
) -> dict[str, Any]:
    """Begin an upload."""
    digest = hashlib.sha256(data).digest()
    begun: dict[str, Any] = machine.call("put_begin", name, kind, len(data), digest, sealed)
    return begun


def put_sealed(
    machine: Machine,
    name: str,
    data: bytes,
    kind: int = SCRIPT,
    counter: int = 1,
    activate: bool = False,
) -> Any:
    """Bring an object with the owner's seal to the board."""
    return put(machine, name, kind, data, seal(name, data, kind, counter=counter), activate)


def lock(machine: Machine, state: int = LOCKED, reads: bool = False) -> None:
    """Lock the board to the owner's key."""
    machine.call("trust_set", state, PRODUCT, [public(OWNER)], reads)


def unlock(machine: Machine) -> None:
    """Unlock the board with an order of the owner."""
    told = machine.call("challenge")
    machine.call("unlock", order(told["board"], told["nonce"]))


def fill(machine: Machine) -> None:
    """Bring to an open board what is sealed, what is not, and what goes away."""
    assert machine.call("trust")["device"]  # it has made its key itself
    put_sealed(machine, ACTIVE, adds(1), BLOB, activate=True)
    put_sealed(machine, ACTIVE, adds(2), BLOB, counter=2)
    for name, (kind, data) in SEALED.items():
        put_sealed(machine, name, data, kind)
    for name, (kind, data) in UNSEALED.items():
        put(machine, name, kind, data)
    put(machine, "gone.bin", DATA, GONE)
    machine.call("rm", "gone.bin")
    begun = begin(machine, "half.bin", DATA, HALF)
    for at in range(0, 4096, PIECE_BYTES):
        machine.call("put_data", begun["session"], at, HALF[at : at + PIECE_BYTES])
    machine.call("exec", FILES)


class Images:
    """A flash that was filled, and the same locked.

    Attributes:
        board: the name of the board.
        opened: the file of the first.
        locked: the file of the second.
    """

    def __init__(self, board: str, folder: Path) -> None:
        self.board = board
        self.opened = folder / "opened"
        self.locked = folder / "locked"
        with Machine(board, self.opened) as machine:
            machine.boot()
            fill(machine)
            shutil.copyfile(self.opened, folder / "copy")
            lock(machine)
        self.opened.rename(self.locked)
        (folder / "copy").rename(self.opened)

    @contextmanager
    def start(self, image: Path, flash: Path, prompt: bool = False) -> Iterator[Machine]:
        """Start a board on a copy of an image; no prompt comes to one that is locked.

        Args:
            image: one of the two.
            flash: where the copy is to be; one that is there is taken as it is.
            prompt: wait for the prompt.
        """
        if not flash.exists():
            shutil.copyfile(image, flash)
        with Machine(self.board, flash) as machine:
            machine.boot(prompt=prompt)
            if not prompt and image != self.opened:
                machine.until(b"main runs\r\n")
            yield machine
