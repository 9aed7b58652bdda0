"""Weights of their own on virtual boards: in place, shared, kept, contained."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from host_sdk import Device
from host_sdk.errors import WeightsMissingError, WeightsNeededError
from host_sdk.store.blob_cache import FOLDER_VARIABLE
from relocatable import HostModel, Separated, compile_model, separate_weights
from relocatable.blob.blob import Blob, Entry, Io, Need, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.conftest import ROOT
from tests.sim.conftest import PluggedBoard
from tests.sim.machine import Machine, RefusedError
from tests.sim.test_containment import ARENA, BLOB, JUMP, READ, RETURN, WRITE
from tests.sim.unscanned import unscanned_firmware

pytestmark = pytest.mark.sim

DIGITS = ROOT / "tests/models/mnist_small_int8.tflite"
WEIGHTS, E_FAULT = 4, -66
OTHERS = pytest.mark.proof("endurance")
IN_WEIGHTS = struct.pack("<H", 0x6841)  # ldr r1, [r0, #4]: ctx->weights


@cache
def digits(cpu: str, optimize: str = "speed") -> Separated:
    """Compile the digits; for speed and for size they have the same weights."""
    return separate_weights(compile_model(DIGITS, target=cpu, optimize=optimize))  # type: ignore[arg-type]


def write(folder: Path, name: str, pair: Separated) -> Path:
    path = folder / f"{name}.bin"
    path.write_bytes(pair.blob)
    path.with_suffix(".weights.bin").write_bytes(pair.weights[0])
    return path


def right_outputs(board: Device) -> bool:
    x = np.random.default_rng(3).integers(-128, 128, board.model().inputs[0].shape, np.int8)
    with HostModel(compile_model(DIGITS, target="host", golden=False)) as model:
        model.write_inputs([x])
        model.run()
        return np.array_equal(board.infer(x, raw=True), model.outputs()[0])


@pytest.mark.parametrize(
    "cpu",
    [
        "cortex-m4",
        pytest.param("cortex-m7", marks=OTHERS),
        pytest.param("cortex-m55", marks=OTHERS),
    ],
)
def test_the_life_of_weights(cpu: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    flash, pair, smaller = tmp_path / "flash", digits(cpu), digits(cpu, "size")
    assert pair.weights == smaller.weights
    plugged = PluggedBoard(flash, cpu)
    with Device(plugged.transport) as board:
        waiting = board.load_model(pair.blob, "first", activate=False)  # the blob first
        assert (waiting.waits, waiting.golden) == (True, False)
        with pytest.raises(WeightsMissingError, match=sha256(pair.weights[0]).hexdigest()):
            board.activate("first")
        board.put("first.weights", pair.weights[0])
        board.activate("first")
        assert right_outputs(board)
        second = board.load_model(write(tmp_path, "second", smaller))  # shared
        assert (second.weights_bytes, second.golden) == (0, True)
        assert right_outputs(board)
        board.rm("first")
        with pytest.raises(WeightsNeededError, match="second version 1"):
            board.rm("first.weights")
    plugged = PluggedBoard(flash, cpu)  # the power was cut
    with Device(plugged.transport) as board:
        assert board.model().name == "second"
        assert right_outputs(board)
        other = separate_weights(compile_model(DIGITS, target=cpu, optimize="ram"))
        assert board.load_model(write(tmp_path, "second", other)).version == 2
        assert right_outputs(board)
        assert board.rollback() == 1
        assert right_outputs(board)
        assert board.eval("__import__('xipnet').Model('second').version") == 1


# ---- What a step may do with them ----------------------------------------------------------------


@pytest.fixture(
    params=["mps2_an386", *(pytest.param(b, marks=OTHERS) for b in ("mps2_an500", "mps3_an547"))]
)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    with Machine(
        request.param, tmp_path / "flash", unscanned_firmware(request.param, tmp_path)
    ) as m:
        m.boot()
        m.put("some.weights", WEIGHTS, CODE_IN_WEIGHTS)
        m.put("other", 3, bytes(range(256)) * 80)
        yield m


CODE_IN_WEIGHTS = RETURN * 3000


def needing(code: bytes) -> bytes:
    """Make a blob of a step that needs these weights, but for the first 64 bytes."""
    need = Need(sha256(CODE_IN_WEIGHTS).digest(), len(CODE_IN_WEIGHTS))
    code = code.ljust((len(code) + 15) // 16 * 16, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, b"", (0,), 64, 64, need, (64, 5000))
    return Blob((variant,), (Io(0, 1),), (Io(16, 1),), (Entry(0, 1),), {"name": "n"}).pack()


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        (IN_WEIGHTS + READ, False),
        (IN_WEIGHTS + WRITE, True),
        (IN_WEIGHTS + struct.pack("<H", 0x3101) + JUMP, True),  # adds r1, #1
        (ARENA + READ, False),
    ],
    ids=["reads weights", "writes weights", "executes weights", "reads its arena"],
)
def test_weights_are_read_only(machine: Machine, code: bytes, faults: bool) -> None:
    machine.put("model", BLOB, needing(code + RETURN), activate=True)
    if not faults:
        assert machine.call("run", 0, [b"a"])["size"] == 1
        return
    with pytest.raises(RefusedError) as refusal:
        machine.call("run", 0, [b"a"])
    assert refusal.value.args[0] == E_FAULT
    assert machine.call("hello", 1)["boot"]["resets"] == 0
