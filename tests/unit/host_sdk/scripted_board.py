"""The firmware's core as a board, its Python played by the test, its line tapped."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack

from device_fw.build.core_program import core_program
from host_sdk.errors import PortClosedError
from host_sdk.link import values
from host_sdk.link.messages import Failure
from host_sdk.transports import MemoryTransport
from host_sdk.transports.core import CoreProcess
from host_sdk.transports.stream import SocketTransport
from tests.unit.host_sdk.wiretap import Wiretap

WAIT_S = 20.0
HEAD = struct.Struct("<III")  # of a message to or from scripted_core.c: letter, number, size
Function = tuple[Callable[..., Any], list[Any] | None, str]


class Refused(Exception):
    """A reply with an error."""

    def __init__(self, code: int, message: str, detail: str = "") -> None:
        self.failure = Failure(code, message, detail)


class ScriptedBoard(Wiretap):
    """A core in a process of its own, that tells what it executes; see also `Wiretap`.

    Args:
        lockable: it is one that can be locked.

    Attributes:
        transport: the host's end of the line.
        typed: text that came.
        on_exec: plays `exec`; `eval` is this Python's; `functions` are those of rpc.
    """

    def __init__(self, *, lockable: bool = False, **options: Any) -> None:
        main = Path(__file__).with_name("scripted_core.c")
        program = core_program(main, ["xn_server.c"], lockable)
        self._script, script = socket.socketpair()
        uart, there = socket.socketpair()
        os.set_inheritable(script.fileno(), True)
        with script, there:
            self.core = CoreProcess(
                there,
                program=program,
                pass_fds=[script.fileno()],
                environment={"XIPNET_SCRIPT_FD": str(script.fileno())},
                **{k: options.pop(k) for k in ("flash_bytes", "arena_bytes") if k in options},
            )
        self.typed = b""
        self.on_exec: Callable[[str], None] = self.print
        self.functions: dict[str, Function] = {}
        self._executed: list[tuple[int, str]] = []
        self._text = ""  # of the next request to Python
        self._hears = False
        self._told = threading.Condition()
        self._telling = threading.Lock()
        self._boots = self._syncs = 0
        self._notes = threading.Thread(target=self._follow, daemon=True)
        self._notes.start()
        self.transport, line = MemoryTransport.pair()
        super().__init__(line, SocketTransport(uart, "core", self.core.close), **options)

    @property
    def executed(self) -> list[tuple[int, str]]:
        """(id, method) of each request that the core has executed so far."""
        self._sync()
        return list(self._executed)

    @property
    def hears_events(self) -> bool:
        """Whether the host has asked for events."""
        self._sync()
        return self._hears

    def print(self, text: str) -> None:
        """Send text."""
        self._tell("P", data=text.encode())

    def emit(self, topic: str, value: Any, *, lose: bool = False) -> None:
        """Emit an event as `xipnet.emit`; the line may lose it."""
        if lose:
            self.lose("event", topic, value)
        self._tell("N", data=values.pack(topic) + values.pack(value))

    def pass_time(self, seconds: float) -> None:
        """Move the board's clock."""
        self._tell("C", data=struct.pack("<Q", int(seconds * 1e6)))
        self._sync()

    def boot(self, *, lose: bool = False, **changes: int) -> None:
        """Restart; the line may lose the notification."""
        report = {"cause": 0, "resets": 0, "fault_step": -1, "pc": 0, "address": 0xFFFFFFFF}
        report |= {"cfsr": 0, "hfsr": 0, **changes}
        if lose:
            self.lose("boot")
        boots = self._boots
        self.is_down = True
        self._tell("B", data=struct.pack("<IIiIIII", *report.values()))
        with self._told:
            assert self._told.wait_for(lambda: self._boots > boots, WAIT_S)
        self._sync()
        self.is_down = False

    def close(self) -> None:
        """Unplug the board."""
        super().close()
        self._notes.join()
        self._script.close()

    def _sync(self) -> None:
        with self._told:
            wanted = self._syncs + 1
            self._tell("S")
            assert self._told.wait_for(lambda: self._syncs >= wanted, WAIT_S)

    def _tell(self, letter: str, number: int = 0, data: bytes = b"") -> None:
        with self._telling:
            self._script.sendall(HEAD.pack(ord(letter), number, len(data)) + data)

    def _follow(self) -> None:
        notes = self._script.makefile("rb")
        with contextlib.suppress(OSError):  # the board was closed
            while len(head := notes.read(HEAD.size)) == HEAD.size:
                letter, number, size = HEAD.unpack(head)
                self._take_note(chr(letter), number, notes.read(size))

    def _take_note(self, letter: str, number: int, data: bytes) -> None:
        match letter:
            case "X":
                self._executed.append((number, data.decode()))
            case "T":
                self._text = data.decode()
            case "K":
                self.typed += bytes([number])
            case "B":
                with self._told:
                    self._boots += 1
                    self._told.notify_all()
            case "S":
                with self._told:
                    self._syncs, self._hears = self._syncs + 1, bool(number)
                    self._told.notify_all()
            case kind:
                late = (int(kind), number, self._text, data)
                threading.Thread(target=self._serve, args=late, daemon=True).start()

    def _serve(self, kind: int, number: int, text: str, params: bytes) -> None:
        try:
            self._tell("R", number, values.pack(self._python(kind, text, params)))
        except Refused as refused:
            f = refused.failure
            words = f"{f.message}\0{f.detail}\0".encode()
            self._tell("E", number, struct.pack("<i", f.code) + words)
        except (OSError, PortClosedError):
            pass  # the board was closed

    def _python(self, kind: int, text: str, params: bytes) -> Any:
        match kind:
            case 0:
                return self.on_exec(text)
            case 1:
                return eval(text, {})
            case 2 if text in self.functions:
                unpacker = msgpack.Unpacker()
                unpacker.feed(params)
                return self.functions[text][0](*unpacker.unpack(), **unpacker.unpack())
            case 2:
                raise Refused(-3, f"no rpc function is registered as {text}")
        first = msgpack.unpackb(params)
        return [[n, p, doc] for n, (_, p, doc) in self.functions.items()][first : first + 2]
