"""A MicroPython that shows its prompt is asked to serve, and told from silence."""

from __future__ import annotations

import contextlib
import threading

import pytest

from host_sdk import (
    Device,
    MemoryTransport,
    NoModuleError,
    NoResponseError,
    PortClosedError,
)
from host_sdk.transports import Transport
from tests.unit.host_sdk.scripted_board import ScriptedBoard

BANNER = b"MicroPython v1.25.0 on 2025-04-15; Some Board with RP2040\r\n"
HELP = b'Type "help()" for more information.\r\n>>> '
SERVE = b"import xipnet; xipnet.serve()\r"


class Prompt(threading.Thread):
    """A prompt at the far end of a line: it echoes, knows Ctrl-B and one command.

    Attributes:
        answer: to that command; empty: the board serves.
        typed: what came.
    """

    def __init__(self, wire: MemoryTransport, answer: bytes) -> None:
        super().__init__(daemon=True)
        self.wire, self.answer, self.typed = wire, answer, b""

    def run(self) -> None:
        line = b""
        pasting = False
        while True:
            try:
                got = self.wire.read(0.05)
            except PortClosedError:
                return
            for byte in got:
                self.typed += bytes([byte])
                if pasting:
                    pasting = byte != 3
                    self.wire.write(
                        b"\r\n>>> " if byte == 3 else b"\r\n=== " if byte == 13 else b""
                    )
                    continue
                if byte == 5:
                    pasting = True
                    self.wire.write(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
                    continue
                if byte == 2:
                    self.wire.write(b"\r\n" + BANNER + HELP)
                    line = b""
                    continue
                line += bytes([byte])
                if line.endswith(SERVE):
                    self.wire.write(SERVE + b"\n" + self.answer)
                    if not self.answer:
                        self.serve()
                        return
                elif byte == 13:
                    self.wire.write(b"\r\n>>> ")
                    line = b""

    def serve(self) -> None:
        """Carry bytes to and from the firmware's core."""
        board = ScriptedBoard()
        threading.Thread(target=carry, args=(board.transport, self.wire), daemon=True).start()
        carry(self.wire, board.transport)
        board.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host_sdk.link.session._PROMPT_AFTER_S", 0.3)
    monkeypatch.setattr("host_sdk.link.stock_prompt._WAIT_S", 1.0)
    monkeypatch.setattr("host_sdk.link.stock_prompt._QUIET_S", 0.1)


def carry(source: Transport, sink: Transport) -> None:
    with contextlib.suppress(PortClosedError):
        while True:
            if data := source.read(0.05):
                sink.write(data)


def pair(answer: bytes) -> tuple[MemoryTransport, Prompt]:
    near, far = MemoryTransport.pair()
    prompt = Prompt(far, answer)
    prompt.start()
    return near, prompt


def test_a_prompt_is_told_to_serve() -> None:
    near, prompt = pair(b"")
    with Device(near, timeout_s=20) as board:
        assert board.started_serving
        assert board.ping(5) == 5
    assert prompt.typed.endswith(SERVE)


def test_a_frame_that_asks_for_paste_mode_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbits", lambda count: 0x05050505)
    near, prompt = pair(b"")
    with Device(near, timeout_s=20) as board:
        assert board.started_serving
    assert b"\x05" in prompt.typed


def test_a_micropython_without_the_module_is_named() -> None:
    near, _ = pair(
        b"Traceback (most recent call last):\r\n"
        b'  File "<stdin>", line 1, in <module>\r\n'
        b"ImportError: no module named 'xipnet'\r\n>>> "
    )
    with pytest.raises(NoModuleError, match=r"v1.25.0 .*; Some Board .*ImportError: no module"):
        Device(near, timeout_s=20)


def test_a_slow_firmware_of_ours_is_waited_for() -> None:
    near, prompt = pair(
        b"Traceback (most recent call last):\r\n"
        b'  File "<stdin>", line 1, in <module>\r\n'
        b"AttributeError: 'module' object has no attribute 'serve'\r\n>>> "
    )
    with pytest.raises(NoResponseError):
        Device(near, timeout_s=0.5)
    assert SERVE in prompt.typed


def test_silence_stays_silence() -> None:
    near, far = MemoryTransport.pair()
    with pytest.raises(NoResponseError):
        Device(near, timeout_s=0.2)
    assert b"xipnet.serve" not in far.read(0.1)
