"""Start the core as a process: it serves, restarts, and ends with its starter."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

import relocatable
from device_fw.build.core_program import core_program
from host_sdk import Device, DeviceFaultError, PortClosedError
from host_sdk.errors import FlashFileBusyError, MethodError, ModelNotFoundError
from host_sdk.transports.core import CoreProcess, open_core
from host_sdk.transports.stream import SocketTransport
from tests.unit.host_sdk.blobs import make_blob

ROOT = Path(__file__).resolve().parents[4]
DIGITS = ROOT / "examples" / "models" / "digits.tflite"


def test_a_tflite_is_compiled_for_it_and_runs_as_in_this_process() -> None:
    pytest.importorskip("ai_edge_litert")
    with Device(open_core()) as board:
        loaded = board.load_model(DIGITS)
        assert (loaded.golden, loaded.active) == (True, True)
        x = np.random.default_rng(0).integers(0, 255, board.model().inputs[0].shape, np.uint8)
        y = board.infer(x, raw=True)
    blob = relocatable.compile_model(DIGITS, target="host")
    np.testing.assert_array_equal(y, relocatable.run(blob, x))


def test_the_core_that_can_be_locked_runs_too() -> None:
    with Device(open_core(lockable=True)) as board:
        board.put("a.txt", b"kept")
        assert board.get("a.txt") == b"kept"
    assert core_program(lockable=True) != core_program()


def test_a_flash_file_outlives_the_process_and_has_one_user(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    with Device(open_core(flash)) as board:
        board.put("a.txt", b"kept")
        with pytest.raises(FlashFileBusyError, match="in use"):
            open_core(flash)
    with Device(open_core(flash)) as board:
        assert board.get("a.txt") == b"kept"
    assert flash.stat().st_size == 1 << 20


def test_a_restart_is_a_real_one() -> None:
    with Device(open_core()) as board:
        board.put("a.txt", b"kept")
        before = board.info().boot
        board.reset()
        after = board.info().boot
        assert (before.cause, before.resets) == ("power-on", 0)
        assert (after.cause, after.resets) == ("reset", 1)
        assert board.get("a.txt") == b"kept"


def test_it_answers_what_the_firmware_answers() -> None:
    with Device(open_core()) as board:
        with pytest.raises(MethodError, match="no such method"):
            board.eval("1")  # it has no Python
        with pytest.raises(MethodError, match="no such method"):
            board._session.call("nothing")
        with pytest.raises(ModelNotFoundError):
            board.get("no-such-object")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("*(volatile int *)0x20 = 1;", "fault in step 0 at .*address 0x00000020"),
        ("for (;;) { c->arena[0]++; }", "time ran out in step 0"),
    ],
)
def test_a_step_that_faults_or_hangs_restarts_it_with_a_report(body: str, said: str) -> None:
    with Device(open_core()) as board:
        blob = make_blob(bodies=(body,))
        call = board._session.call
        begun = call("put_begin", "net", 1, len(blob), sha256(blob).digest())
        assert isinstance(begun, dict)
        call("put_data", begun["session"], 0, blob)
        with pytest.raises(DeviceFaultError, match=said):
            call("put_end", begun["session"], True, 0, 0, 100)  # no step longer than 100 ms
        assert board.ls() == []


def test_a_crash_is_told_with_what_the_core_said() -> None:
    here, there = socket.socketpair()
    with there:
        core = CoreProcess(there)
    with Device(SocketTransport(here, "core", core.close, core.why_ended)) as board:
        os.kill(core.pid, signal.SIGABRT)
        with pytest.raises(PortClosedError, match=f"ended by signal {signal.SIGABRT:d}"):
            board.ping(1)


def test_a_program_that_cannot_start_is_told_with_its_words(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xff" * 100)  # no whole sector
    with pytest.raises(PortClosedError, match=r"by signal 6: .*does not hold"):
        Device(open_core(flash))


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_it_ends_with_its_parent(how: str) -> None:
    source = """
import os, socket, sys
from host_sdk.transports.core import CoreProcess
here, there = socket.socketpair()
core = CoreProcess(there)
there.close()
print(core.pid, flush=True)
if sys.argv[1] == "ends":
    os._exit(0)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", source, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    if how == "is killed":
        parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while _runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_concurrent_builders_get_one_program() -> None:
    got: list[Path] = []
    threads = [threading.Thread(target=lambda: got.append(core_program())) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(got)) == 1
    assert os.access(got[0], os.X_OK)
