"""No model reaches the arena of another, however near it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from device_fw.boards import virtual_names
from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.sim.machine import Machine, RefusedError

pytestmark = pytest.mark.sim

E_FAULT = -66
BLOB = 1
FAR = 4096
PATTERN = 0x5A

RETURN = struct.pack("<2H", 0x2000, 0x4770)  # movs r0, #0; bx lr
# ldr r1, [r0]; ldr r2, [r1]; str r2, [r1, r2]: its input says how far from its arena it writes
POKE = struct.pack("<3H", 0x6801, 0x680A, 0x508A) + RETURN

# Sizes of arenas that lie side by side: of a model, of the one that pokes, of another.
SIZES = [
    (64, 64, 64),
    (5008, 33008, 20016),
    (1040, 9008, 4112),
    (70000, 300016, 30000),
    (131072, 66064, 131088),
]

SWEEP = """
import xipnet
below, poker, above = (xipnet.Model(n) for n in ("below", "poker", "above"))
seen = [below.run(bytes([{pattern}]) * {below}), above.run(bytes([{pattern}]) * {above})]
def poke(at):
    try:
        poker.run((at & 0xFFFFFFFF).to_bytes(4, "little"))
    except xipnet.Error as e:
        return e.args[0]
    return 0
places = list(range(-{far}, min({far}, {size}), 32))
places += list(range(max({far}, {size} - {far}), {size} + {far}, 32))
ends = {{at: poke(at) for at in places}}
"""


def model(arena_bytes: int, code: bytes, input_bytes: int, golden: Golden | None = None) -> bytes:
    """Make a blob whose output is its whole arena, which its input starts."""
    code = code.ljust((len(code) + 15) // 16 * 16, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, b"", (0,), arena_bytes, 64)
    io = (Io(0, input_bytes),), (Io(0, arena_bytes),)
    return Blob((variant,), *io, (Entry(0, 1),), {"name": "n"}, golden).pack()


@pytest.fixture(scope="module", params=virtual_names(vm=True))
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    with Machine(request.param, tmp_path_factory.mktemp("flash") / "flash") as running:
        running.boot()
        yield running


def activate_pattern(machine: Machine, size: int) -> None:
    """Make a model active whose arena holds the pattern."""
    machine.put("active", BLOB, model(size, RETURN, size), activate=True)
    machine.call("run", 0, [bytes([PATTERN]) * size])


def read_active(machine: Machine, size: int) -> bytes:
    pieces = range(0, size, 1024)
    return b"".join(machine.call("arena_read", at, min(1024, size - at)) for at in pieces)


@pytest.mark.few(3)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_write_beside_its_arena_changes_no_other(
    machine: Machine, sizes: tuple[int, int, int]
) -> None:
    below, size, above = sizes
    activate_pattern(machine, 2000)
    machine.put("below", BLOB, model(below, RETURN, below))
    machine.put("poker", BLOB, model(size, POKE, 4))
    machine.put("above", BLOB, model(above, RETURN, above))
    try:
        machine.call(
            "exec", SWEEP.format(pattern=PATTERN, below=below, above=above, size=size, far=FAR)
        )
        changed = machine.call("eval", f"[sum(b != {PATTERN} for b in bytes(v)) for v in seen]")
        assert changed == [0, 0]
        assert read_active(machine, 2000) == bytes([PATTERN]) * 2000
        assert set(machine.call("eval", "list(ends.values())")) <= {0, E_FAULT}
        inside = f"[ends[at] for at in ends if 0 <= at < {size}]"
        assert set(machine.call("eval", inside)) == {0}
        # So far from its arena is nothing that an MPU opens with it.
        assert machine.call("eval", f"ends[-{FAR}], ends[max(ends)]") == [E_FAULT, E_FAULT]
    finally:
        machine.call("exec", "seen = None\nbelow.close(), poker.close(), above.close()")


@pytest.mark.few(4)
@pytest.mark.parametrize("distance", [-4096, -128, -32, 33008, 33024, 33008 + 128, 33008 + 4096])
def test_a_golden_run_changes_no_other(machine: Machine, distance: int) -> None:
    activate_pattern(machine, 2000)
    golden = Golden(outputs=bytes(33008), inputs=struct.pack("<i", distance))
    with pytest.raises(RefusedError):
        machine.put("poker", BLOB, model(33008, POKE, 4, golden))
    assert read_active(machine, 2000) == bytes([PATTERN]) * 2000


# mov r1, pc; ldr r2, [r0]; ldr r2, [r2]; ldr r2, [r1, r2]: its input says how far from its code
PEEK = struct.pack("<4H", 0x4679, 0x6802, 0x6812, 0x588A) + RETURN
PC = 4  # of its first instruction
SECTOR = 4096

SPY = """
import xipnet
spy = xipnet.Model("spy")
def peek(at):
    try:
        spy.run((at & 0xFFFFFFFF).to_bytes(4, "little"))
    except xipnet.Error as e:
        return e.args[0]
    return 0
"""


@pytest.mark.few(3)
@pytest.mark.parametrize("sectors", [1, 5, 7, 13, 16])
def test_a_step_reads_no_other_object(machine: Machine, sectors: int) -> None:
    machine.put("before", BLOB, model(64, RETURN, 16))
    code = PEEK.ljust(16, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, bytes((sectors - 1) * SECTOR), (0,), 33008, 64)
    io = (Io(0, 4),), (Io(16, 1),)
    data = Blob((variant,), *io, (Entry(0, 1),), {"name": "n"}).pack()
    assert (len(data) + SECTOR - 1) // SECTOR == sectors
    start = -data.index(code) - PC
    end = start + sectors * SECTOR
    machine.put("spy", BLOB, data)
    machine.call("exec", SPY)
    try:
        inside = [*range(start, end, SECTOR), start + len(data) - 4]
        around = [start - 4, end, *(start - (1 << k) for k in range(5, 17))]
        around += [end + (1 << k) for k in range(5, 17)]
        assert machine.call("eval", f"[peek(at) for at in {inside}]") == [0] * len(inside)
        assert machine.call("eval", f"[peek(at) for at in {around}]") == [E_FAULT] * len(around)
    finally:
        machine.call("exec", "spy.close()")
