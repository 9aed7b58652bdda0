"""Tools on a virtual board: mpremote, what Thonny does, `xipnet repl`."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from host_sdk import Device
from host_sdk.transports.qemu import Qemu, find_board

pytestmark = pytest.mark.sim

WAIT_S = 30.0
CTRL_A, CTRL_B, CTRL_C, CTRL_D = b"\x01", b"\x02", b"\x03", b"\x04"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        port = server.getsockname()[1]
        qemu = Qemu(find_board("cortex-m55"), None, server)
    url = f"socket://127.0.0.1:{port}"
    with Device(url) as board:  # it has started: what is typed before is lost
        board.ping()  # behind it no reply to a `hello` that was repeated is under way
    yield url
    qemu.close()


# ---- mpremote ------------------------------------------------------------------------------------


def mpremote(url: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", url, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mpremote_executes(url: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('on', sys.platform)\n" + "# much text\n" * 500)
    assert mpremote(url, "exec", "print(2**70)") == f"{2**70}\n"
    assert mpremote(url, "eval", "[1, 'two', b'3']") == "[1, 'two', b'3']\n"
    assert mpremote(url, "run", str(script)) == "on xipnet\n"
    assert mpremote(url, "exec", "x = 5", "+", "resume", "exec", "print(x)") == "5\n"


def test_mpremote_copies_files(url: str, tmp_path: Path) -> None:
    there, back = tmp_path / "kept.py", tmp_path / "back.py"
    there.write_bytes(b"value = 7\n" + bytes(range(1, 256)) * 20)
    mpremote(url, "fs", "mkdir", ":box")
    mpremote(url, "fs", "cp", str(there), ":box/kept.py")
    assert f"{there.stat().st_size} kept.py" in mpremote(url, "fs", "ls", ":box")
    mpremote(url, "fs", "cp", ":box/kept.py", str(back))
    assert back.read_bytes() == there.read_bytes()
    mpremote(url, "fs", "rm", ":box/kept.py", "+", "fs", "rmdir", ":box")
    assert "box" not in mpremote(url, "fs", "ls", ":")


class OneFile(BaseHTTPRequestHandler):
    """Serves /greet.py."""

    def do_GET(self) -> None:
        body = b"def hello(): return 'hello from a package'\n"
        self.send_response(200 if self.path == "/greet.py" else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_mpremote_installs_a_package(url: str) -> None:
    with HTTPServer(("127.0.0.1", 0), OneFile) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            mpremote(url, "mip", "install", f"http://127.0.0.1:{server.server_port}/greet.py")
        finally:
            server.shutdown()
            thread.join()
    assert mpremote(url, "exec", "import greet; print(greet.hello())") == "hello from a package\n"


# ---- Thonny's generic MicroPython back end -------------------------------------------------------


class Editor:
    """A session as Thonny's back end: raw paste, a helper class, files in pieces."""

    HELPER = (
        "import os as _os, sys as _sys\n"
        "class _helper:\n"
        "    @classmethod\n"
        "    def value(cls, v):\n"
        "        print('<repr>%r</repr>' % (v,))\n"
        "    @classmethod\n"
        "    def listdir(cls, p):\n"
        "        cls.value({n: _os.stat(p + n)[6] for n in _os.listdir(p)})\n"
        "    @classmethod\n"
        "    def write(cls, data):\n"
        "        return cls.file.write(data)\n"
    )

    def __init__(self, url: str) -> None:
        self._wire = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        self._wire.settimeout(WAIT_S)
        self._seen = b""
        self.write(b"\r" + CTRL_C + CTRL_C)
        self.write(CTRL_A)
        self.until(b"raw REPL; CTRL-B to exit\r\n>")
        self.write(CTRL_D)  # its Stop button: a soft reset within the raw REPL
        self.until(b"soft reboot\r\n")
        self.until(b"raw REPL; CTRL-B to exit\r\n>")
        self.run(self.HELPER)

    def write(self, data: bytes) -> None:
        self._wire.sendall(data)

    def until(self, end: bytes) -> bytes:
        while end not in self._seen:
            self._seen += self._wire.recv(4096)
        taken, _, self._seen = self._seen.partition(end)
        return taken

    def take(self, n: int) -> bytes:
        while len(self._seen) < n:
            self._seen += self._wire.recv(4096)
        taken, self._seen = self._seen[:n], self._seen[n:]
        return taken

    def run(self, source: str) -> tuple[str, str]:
        """Return what a source prints, and its traceback."""
        self.write(b"\x05A\x01")
        assert self.take(2) == b"R\x01"
        window = int.from_bytes(self.take(2), "little")
        data, room = source.encode(), window
        while data:
            if room == 0:
                assert self.take(1) == b"\x01"  # the board has read a window
                room = window
            sent, data = data[:room], data[room:]
            self.write(sent)
            room -= len(sent)
        self.write(CTRL_D)
        while (mark := self.take(1)) != CTRL_D:
            assert mark == b"\x01"
        out, error = self.until(CTRL_D), self.until(CTRL_D)
        assert self.take(1) == b">"
        return out.decode(), error.decode()

    def value(self, expression: str) -> str:
        out, error = self.run(f"_helper.value({expression})")
        assert not error, error
        return out.strip().removeprefix("<repr>").removesuffix("</repr>")

    def close(self) -> None:
        self.write(b"\r" + CTRL_B)
        self.until(b">>> ")
        self._wire.close()


def test_what_thonny_does(url: str) -> None:
    editor = Editor(url)
    assert editor.value("_sys.implementation[0]") == "'micropython'"
    assert editor.value("_os.getcwd()") == "'/'"
    assert editor.run("print('out')\n1/0")[0] == "out\r\n"
    assert "ZeroDivisionError" in editor.run("1/0")[1]
    content = bytes(range(256)) * 8
    editor.run("_helper.file = open('/ed.bin', 'wb')")
    for at in range(0, len(content), 512):
        assert editor.value(f"_helper.write({content[at : at + 512]!r})") == "512"
    editor.run("_helper.file.close()")
    assert "'ed.bin': 2048" in editor.run("_helper.listdir('/')")[0]
    assert editor.value("__import__('hashlib').sha256(open('/ed.bin','rb').read()).digest()[:2]")
    assert editor.value("open('/ed.bin', 'rb').read(16)") == repr(content[:16])
    editor.run("_os.remove('/ed.bin')")
    long = "x = 0\n" + "x += 1\n" * 400  # more than many windows
    editor.run(long)
    assert editor.value("x") == "400"
    editor.close()
    with Device(url) as board:
        assert board.ping(1) == 1


def test_two_windows_of_raw_paste_at_once(url: str) -> None:
    editor = Editor(url)
    # The parser takes memory while it reads, and each time all of this is looked through.
    editor.run("import gc\nkept = [[i] for i in range(5000)]\ngc.threshold(16)")
    for _ in range(5):
        editor.write(b"\x05A\x01")
        assert editor.take(2) == b"R\x01"
        window = int.from_bytes(editor.take(2), "little")
        assert editor.take(1) == b"\x01"  # one more window is free
        source = b"n = 0" + b"\nn += 1" * 64
        editor.write(source.ljust(2 * window) + CTRL_D)
        editor.until(CTRL_D)  # the end of the text, and then of what it printed
        assert editor.until(CTRL_D) == editor.until(CTRL_D) == b""
        assert editor.take(1) == b">"
        assert editor.value("n") == "64"
    editor.close()


def test_thonnys_stop_button_stops(url: str) -> None:
    editor = Editor(url)
    editor.write(b"\x05A\x01")
    assert editor.take(2) == b"R\x01"
    editor.take(2)
    editor.write(b"print('going')\nwhile True: pass" + CTRL_D)
    editor.until(b"going\r\n")
    editor.write(CTRL_C)
    editor.until(CTRL_D)
    assert b"KeyboardInterrupt" in editor.until(CTRL_D)
    assert editor.take(1) == b">"
    editor.close()


# ---- xipnet repl, and a terminal -----------------------------------------------------------------


class Terminal:
    """`xipnet repl` in a pseudo-terminal."""

    def __init__(self, url: str) -> None:
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            source = f"from host_sdk.cli import main; main(['repl', '--port', {url!r}])"
            os.execv(sys.executable, [sys.executable, "-c", source])
        self._seen = ""
        self.until(">>> ")

    def type(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def until(self, end: str) -> str:
        deadline = time.monotonic() + WAIT_S
        while end not in self._seen:
            assert time.monotonic() < deadline, f"no {end!r} in {self._seen!r}"
            if select.select([self._screen], [], [], 0.1)[0]:
                self._seen += os.read(self._screen, 4096).decode(errors="replace")
        taken, _, self._seen = self._seen.partition(end)
        return taken

    def close(self) -> None:
        self.type("\x1d")
        with contextlib.suppress(OSError):
            while os.read(self._screen, 4096):
                pass
        deadline = time.monotonic() + WAIT_S
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError("Ctrl-] does not leave")
            time.sleep(0.02)
        os.close(self._screen)


def test_repl_history_completion_and_interrupt(url: str) -> None:
    terminal = Terminal(url)
    terminal.type("6 * 7\r")
    terminal.until("42\r\n>>> ")
    terminal.type("\x1b[A")  # up: the line before
    terminal.until("6 * 7")
    terminal.type("0\r")
    terminal.until("420\r\n>>> ")
    terminal.type("import xipn\t")
    terminal.until("xipnet")
    terminal.type("\rxipnet.act\t")
    terminal.until("xipnet.activate")
    terminal.type("\x03")
    terminal.until(">>> ")
    terminal.type("while True: pass\r\r")
    time.sleep(0.3)
    terminal.type("\x03")
    terminal.until("KeyboardInterrupt")
    terminal.until(">>> ")
    terminal.type("def f(x):\rreturn x + 1\r\b\r")  # auto-indent, and back to the margin
    terminal.until(">>> ")
    terminal.type("f(1)\r")
    terminal.until("2\r\n>>> ")
    terminal.close()


def test_a_plain_terminal(url: str) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as wire:
        wire.settimeout(WAIT_S)
        # Ctrl-B: a tool that closes a socket with bytes unread may lose the one it sent to leave
        # the raw mode.
        wire.sendall(b"\r\x03\x02print('plain', 1 + 1)\r")
        seen = b""
        while b"plain 2\r\n>>> " not in seen:
            seen += wire.recv(4096)
        assert b"\0" not in seen
