from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from host_sdk import (
    Device,
    LinkError,
    NoResponseError,
    PortBusyError,
    PortClosedError,
    PortNotFoundError,
    SimulatorError,
    ToolMissingError,
)
from host_sdk.transports import open_transport, qemu
from host_sdk.transports.lock import FileLock, lock_port
from host_sdk.transports.open import default_port
from host_sdk.transports.serial import SerialTransport
from host_sdk.transports.sim import SimUrl, parse_sim


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url(server: socket.socket) -> str:
    host, port = server.getsockname()
    return f"socket://{host}:{port}"


def test_tcp_moves_bytes(server: socket.socket) -> None:
    transport = open_transport(url(server))
    peer, _ = server.accept()
    with peer:
        assert transport.read(0.01) == b""
        transport.write(b"abc")
        assert peer.recv(10) == b"abc"
        peer.sendall(b"\0def")
        assert transport.read(5) == b"\0def"
    with pytest.raises(PortClosedError, match="the other side has closed"):
        transport.read(5)
    transport.close()
    transport.close()


def test_close_wakes_a_reader(server: socket.socket) -> None:
    transport = open_transport(url(server))
    errors: list[PortClosedError] = []

    def read() -> None:
        try:
            transport.read(30)
        except PortClosedError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    transport.close()
    reader.join(5)
    assert len(errors) == 1
    with pytest.raises(PortClosedError, match="was closed"):
        transport.read(0)


def test_a_second_user_of_a_port_is_refused_until_the_first_is_done(server: socket.socket) -> None:
    first = open_transport(url(server))
    with pytest.raises(PortBusyError, match="in use by another Device"):
        open_transport(url(server))
    first.close()
    open_transport(url(server)).close()


def test_another_process_is_refused_too(server: socket.socket) -> None:
    first = open_transport(url(server))
    code = f"from host_sdk.transports import open_transport; open_transport({url(server)!r})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PortBusyError" in run.stderr
    first.close()


def test_a_failed_open_frees_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        name = url(listening)
    for _ in range(2):
        with pytest.raises(PortNotFoundError, match="refused"):
            open_transport(name)


@pytest.mark.parametrize(
    "port", ["/dev/ttyNone7", "socket://nowhere", "socket://h:port", "what://x", "sim://z80"]
)
def test_ports_that_are_none(port: str) -> None:
    with pytest.raises(PortNotFoundError):
        open_transport(port)


@pytest.mark.skipif(sys.platform == "win32", reason="needs users and links")
@pytest.mark.parametrize("kind", ["file", "link", "dangling", "open to all", "another's"])
def test_locks_lie_in_a_folder_that_is_this_users_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    lock_port("here").release()
    [folder] = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()
    target = tmp_path / "target"
    if kind == "link":
        target.mkdir()
    if kind == "file":
        folder.write_bytes(b"kept")
    elif kind in ("link", "dangling"):
        folder.symlink_to(target)
    else:
        folder.mkdir()
        folder.chmod(0o777 if kind == "open to all" else 0o700)
    if kind == "another's":
        user = os.getuid() + 1
        monkeypatch.setattr("os.getuid", lambda: user)
        folder.rename(folder.with_name(f"xipnet-{user}"))
    with pytest.raises(LinkError, match=r"here cannot be locked: .* must be"):
        lock_port("here")
    assert not target.exists() or not list(target.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_serial_port_moves_bytes_and_is_exclusive() -> None:
    leader, follower = os.openpty()
    name = os.ttyname(follower)
    transport = open_transport(name)
    with pytest.raises(PortBusyError):
        open_transport(name)
    os.write(leader, b"abc")
    assert transport.read(5) == b"abc"
    transport.write(b"\0x")
    assert os.read(leader, 10) == b"\0x"
    assert transport.read(0.01) == b""
    transport.close()
    transport.close()
    with pytest.raises(PortClosedError):
        transport.read(0.1)
    os.close(leader)
    os.close(follower)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_an_unplugged_serial_port_is_said() -> None:
    leader, follower = os.openpty()
    transport = open_transport(os.ttyname(follower))
    os.close(follower)
    os.close(leader)
    with pytest.raises(PortClosedError):
        transport.read(1)
    transport.close()


def test_a_silent_port_is_said(server: socket.socket) -> None:
    with pytest.raises(NoResponseError, match="is it the right port"):
        Device(url(server), timeout_s=0.3)


def test_the_port_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIPNET_PORT", "socket://board:1")
    assert default_port() == "socket://board:1"


def test_locks_are_held_once(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "f")
    with pytest.raises(BlockingIOError):
        FileLock(tmp_path / "f")
    lock.release()
    FileLock(tmp_path / "f").release()
    lock = FileLock(tmp_path / "g", remove=True)
    with pytest.raises(BlockingIOError):
        FileLock(tmp_path / "g")
    lock.release()
    lock.release()
    assert not (tmp_path / "g").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
@pytest.mark.parametrize("kind", ["directory", "dangling", "link"])
def test_what_lies_at_a_lock_files_place_is_said_and_not_followed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: socket.socket
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    open_transport(url(server)).close()
    taken: list[Path] = []
    lock = FileLock.__init__

    def note(self: FileLock, path: Path, remove: bool = False) -> None:
        taken.append(path)
        lock(self, path, remove)

    monkeypatch.setattr(FileLock, "__init__", note)
    open_transport(url(server)).close()
    (path,) = taken
    assert path.parent.parent == tmp_path
    assert not path.exists()
    target = tmp_path / "target"
    if kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(target)
    if kind == "link":
        target.write_bytes(b"kept")
    with pytest.raises(LinkError, match="cannot be locked"):
        open_transport(url(server))
    assert (target.read_bytes() == b"kept") if kind == "link" else not target.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_serial_port_is_set_up_once_and_its_name_freed_in_any_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leader, follower = os.openpty()
    name = os.ttyname(follower)
    transport = open_transport(name)
    assert isinstance(transport, SerialTransport)
    set_up: list[None] = []
    port: Any = transport._serial
    reconfigure = port._reconfigure_port

    def count() -> None:
        set_up.append(None)
        reconfigure()

    monkeypatch.setattr(port, "_reconfigure_port", count)
    for _ in range(3):
        assert transport.read(0.01) == b""
    assert len(set_up) == 1

    def pulled_out() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(transport._serial, "close", pulled_out)
    transport.close()
    monkeypatch.undo()
    transport._serial.close()
    open_transport(name).close()
    os.close(leader)
    os.close(follower)


def test_sim_urls() -> None:
    assert parse_sim("sim://cortex-m55") == SimUrl("cortex-m55")
    kept = parse_sim("sim://mps2_an386?flash=/a/b.img&icount=on")
    assert kept == SimUrl("mps2_an386", Path("/a/b.img"), icount=True)
    for bad in ("sim://cortex-m55?ram=3", "sim://cortex-m55/x"):
        with pytest.raises(PortNotFoundError, match="must be sim://BOARD"):
            parse_sim(bad)


def test_a_qemu_that_cannot_be_started_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise ValueError("pass_fds not supported on Windows.")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(qemu, "_find_qemu", lambda program: program)
    monkeypatch.setattr(qemu, "_firmware", lambda board: Path("firmware.elf"))
    flash = tmp_path / "flash"
    with pytest.raises(SimulatorError, match="cannot be started: pass_fds not supported"):
        open_transport(f"sim://cortex-m55?flash={flash}")
    FileLock(flash).release()  # nobody holds it any more


def test_a_missing_qemu_is_said_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissingError, match=r"QEMU.*install it with: .*qemu"):
        open_transport("sim://cortex-m55")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_speed_that_a_port_lacks_is_not_worked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    board, port = os.openpty()
    transport = SerialTransport(os.ttyname(port))
    right = serial.Serial._reconfigure_port  # type: ignore[attr-defined]

    def reconfigure(self: serial.Serial, force_update: bool = False) -> None:
        if self.baudrate == 3_000_000:
            raise ValueError("Failed to set custom baud rate (3000000)")
        right(self, force_update)

    monkeypatch.setattr(serial.Serial, "_reconfigure_port", reconfigure)
    try:
        transport.set_baud(3_000_000)
        transport.set_baud(115200)
        transport.write(b"still there")
        assert os.read(board, 100) == b"still there"
    finally:
        transport.close()
        os.close(board)
        os.close(port)
