"""What a lockable board attests, and answers while it checks signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_fw.boards import Board, load_board, read_board, virtual_names
from device_fw.build import firmware_path
from device_fw.build.flat import firmware_digest
from tests.c.sealing import OWNER, PRODUCT, is_signed, order, public, seal
from tests.sim.machine import Machine, RefusedError

pytestmark = pytest.mark.sim

DATA, LOCKED = 3, 2
E_SEAL, E_LOCKED = -90, -92
SEED = bytes(range(32))
OBJECTS = 100  # of 2 M instructions each: a quick computer takes 0.2 s
TRIES = 50  # on a busy computer a ping may be late
ONE = "mps2_an386"
BOARDS = [
    pytest.param(name, marks=() if name == ONE else pytest.mark.proof("endurance"))
    for name in virtual_names(vm=True)
]
WITHOUT_VM = Path(__file__).parent / "data" / "without_vm.toml"


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> Board:
    return load_board(f"{request.param}-lockable")


@pytest.fixture
def machine(board: Board, tmp_path: Path) -> Iterator[Machine]:
    with Machine(board, tmp_path / "flash") as running:
        running.boot()
        yield running


def make_key(machine: Machine) -> bytes:
    """Give the board a key, if its chip has no source of one; its public key."""
    if machine.call("trust")["device"] is None:
        machine.call("device_seed", SEED)
    device = machine.call("trust")["device"]
    assert isinstance(device, bytes)
    return device


def code_of(machine: Machine, method: str, *params: Any) -> int:
    with pytest.raises(RefusedError) as refusal:
        machine.call(method, *params)
    code: int = refusal.value.args[0]
    return code


def attested(machine: Machine, device: bytes) -> bytes:
    """Return the firmware's digest of a report whose signature is right."""
    got = machine.call("attest", bytes(32))
    assert is_signed(got["report"], got["signature"], device)
    digest: bytes = got["report"][56:88]
    return digest


def test_a_board_attests_the_image_that_was_built(machine: Machine, board: Board) -> None:
    assert attested(machine, make_key(machine)) == firmware_digest(firmware_path(board))


def put_sealed(machine: Machine, name: str, data: bytes) -> None:
    sealed = seal(name, data, DATA)
    digest = hashlib.sha256(data).digest()
    begun = machine.call("put_begin", name, DATA, len(data), digest, sealed)
    machine.call("put_data", begun["session"], 0, data)
    machine.call("put_end", begun["session"])


def is_passed(machine: Machine) -> bool:
    """Tell whether a ping is answered while `trust` checks signatures.

    A first one may be answered before it begins.
    """
    request = machine.request("trust")
    for i in range(2):
        assert machine.call("ping", i) == i
    passed = request not in machine.arrived
    assert machine.reply(request)["unsealed"] == 0
    return passed


def test_urgent_requests_are_answered_while_signatures_are_checked(machine: Machine) -> None:
    make_key(machine)
    machine.call("trust_set", 1, PRODUCT, [public(OWNER)])
    for i in range(OBJECTS):
        put_sealed(machine, f"object {i}", b"bytes")
    assert any(is_passed(machine) for _ in range(TRIES))


def test_a_locked_board_without_python(tmp_path: Path) -> None:
    toml = tmp_path / "small.toml"
    toml.write_text("lockable = true\n" + WITHOUT_VM.read_text())
    board = read_board(toml)
    with Machine(board, tmp_path / "flash") as machine:
        machine.boot(prompt=False)
        device = make_key(machine)
        assert attested(machine, device) == firmware_digest(firmware_path(board))
        machine.call("trust_set", LOCKED, PRODUCT, [public(OWNER)])
        told = machine.call("hello", 1)
        assert (told["trust"], told["unlocked"], told["micropython"]) == (LOCKED, False, "")
        for method, params in (
            ("rm", ["a"]),
            ("format", ["erase all"]),
            ("flash_read", [0, 16]),
            ("interrupt", []),
            ("reset", [True]),
            ("get", ["a", 0, 1]),
        ):
            assert code_of(machine, method, *params) == E_LOCKED
        digest = hashlib.sha256(b"bytes").digest()
        assert code_of(machine, "put_begin", "a", DATA, 5, digest) == E_SEAL
        put_sealed(machine, "a", b"bytes")
        assert [(o["name"], o["sealed"]) for o in machine.call("ls")] == [("a", True)]
        asked = machine.call("challenge")
        assert machine.call("unlock", order(asked["board"], asked["nonce"])) is None
        assert machine.call("rm", "a") is None
        machine.write(b"text \x03\x03\x03\x03\x03 is dropped\r")
        machine.call("reset")
        machine.notes.clear()
        machine.boot(prompt=False)
        assert machine.call("hello", 1)["safe"] == 0
        assert code_of(machine, "rm", "a") == E_LOCKED
        assert attested(machine, device) == firmware_digest(firmware_path(board))
