"""After a kill at any moment of an upload, a board has the old or the new."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.sim.machine import Machine
from tests.sim.test_trials import adds, adds_now, blob

pytestmark = pytest.mark.sim

BOARD = "mps3_an547"
BLOB, DATA = 1, 3
SECTOR_BYTES = 4096
KEPT = random.Random(1).randbytes(9000)
PAD_BYTES = 30_000


def model(n: int) -> bytes:
    """Add n; no two share a sector's bytes."""
    return blob(adds(n), (b"\x10", bytes([0x10 + n])), PAD_BYTES + 16 * n)


def upload(machine: Machine, data: bytes) -> int:
    """As a host does that was interrupted before; bytes sent."""
    begun = machine.call("put_begin", "net", BLOB, len(data), hashlib.sha256(data).digest())
    have = b""
    if begun["resumed"]:
        have = machine.call("hashes", begun["at"], len(data), SECTOR_BYTES)
    requests, sent = [], 0
    for i, at in enumerate(range(0, 0 if begun["have"] else len(data), SECTOR_BYTES)):
        sector = data[at : at + SECTOR_BYTES]
        if hashlib.sha256(sector).digest()[:8] == have[8 * i : 8 * i + 8]:
            continue
        for j in range(0, len(sector), 1024):
            piece = sector[j : j + 1024]
            requests.append(machine.request("put_data", begun["session"], at + j, piece))
            sent += len(piece)
            if len(requests) == 4:
                machine.reply(requests.pop(0))
    for request in requests:
        machine.reply(request)
    machine.call("put_end", begun["session"], True)
    return sent


def killed(machine: Machine, data: bytes, after_s: float) -> bool:
    """Upload until the machine is killed; true where the upload was done before."""
    timer = threading.Timer(after_s, os.kill, (machine._process.pid, signal.SIGKILL))
    timer.start()
    try:
        upload(machine, data)
    except (EOFError, OSError):
        return False
    finally:
        timer.join()
    return True


def check(machine: Machine, wanted: set[int]) -> int:
    """Which model is active; everything is whole."""
    assert [o["name"] for o in machine.call("ls")].count("net") == 1
    assert machine.call("get", "kept", 0, 3000) == KEPT[:3000]
    assert machine.call("get", "kept", 6000, 3000) == KEPT[6000:]
    n = adds_now(machine)
    assert n in wanted
    return n


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.proof("endurance"))])
def test_old_or_new_after_every_kill(kills: int, tmp_path: Path) -> None:
    chance = random.Random(kills)
    flash = tmp_path / "flash"
    with Machine(BOARD, flash) as machine:
        machine.boot()
        machine.put("kept", DATA, KEPT)
        start = time.monotonic()
        whole = upload(machine, model(1))
        upload_s = time.monotonic() - start
    now, next_one, saved, taken = 1, 2, 0, 0
    for _ in range(kills):
        with Machine(BOARD, flash) as machine:
            machine.boot()
            now = check(machine, {now, next_one})
            next_one = next_one % 99 + 1 if now == next_one else next_one
            taken += killed(machine, model(next_one), chance.random() * 1.3 * upload_s)
    with Machine(BOARD, flash) as machine:
        machine.boot()
        check(machine, {now, next_one})
        saved = whole - upload(machine, model(next_one))
        assert adds_now(machine) == next_one
        wear = machine.call("wear")
    print(f"{kills} kills, {taken} after the end of an upload; wear {wear}; {saved} bytes resumed")
